"""The region file of the documentation, and variations of it."""

import json
from typing import Any

TOKEN = "s3cret-of-the-hospital"
FILE: dict[str, Any] = {
    "name": "purbalingga",
    "display_name": "Purbalingga",
    "time_zone": "Asia/Jakarta",
    "country": "ID",
    "project_id": "clinic",
    "service_name": "sync",
    "region": "asia-southeast2",
    "platform": "managed",
    "memory": "256Mi",
    "cpu": "0.5",
    "timeout": "900",
    "max_instances": "1",
    "min_instances": "0",
    "concurrency": "1",
    "credential_file": "service-account.json",
    "pace": {"hospital": 50, "fhir": 10},
    "concurrency_per_run": 8,
    "env_vars": {
        "FHIR_SERVER_URL": "https://fhir.example.org/fhir",
        "FHIR_API_TOKEN": "env:PBG_FHIR_TOKEN",
        "FHIR_IDENTIFIER_SYSTEM": "https://fhir.example.org/nik",
        "SPREADSHEET_ID": "phones.xlsx",
        "WORKSHEET_ID": "Sheet1",
        "HOSPITAL_GRAPHQL_URL": "https://hospital.example.org/graphql",
        "HOSPITAL_API_TOKEN": TOKEN,
    },
}
ENVIRON = {"PBG_FHIR_TOKEN": "s3cret-of-fhir"}


def with_(**changes: Any) -> str:
    return json.dumps({**FILE, **changes})


def env_vars(**changes: Any) -> str:
    return with_(env_vars={**FILE["env_vars"], **changes})
