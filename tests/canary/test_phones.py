"""The phone sync, its undo and what forgets it, against a FHIR server and Google's sheets that fail and repeat."""

from pathlib import Path
from typing import Any

import pytest

from backoffice.runs.models import Run
from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from regions.models import PhoneRow
from tests.canary import values
from tests.canary.watch import Watch
from tests.fhir.world import Json, patient
from tests.sync.world import HEADER, google_place_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TOKEN = "a-token-of-purbalingga"
NAME = f"{values.GIVEN} {values.FAMILY}"
ROWS = [
    ["survey", values.IDENTIFIER, values.NEW_PHONE, NAME],
    ["survey", f"{values.IDENTIFIER}9", values.NEW_PHONE, NAME],  # nobody's
    ["WhatsApp", values.IDENTIFIER, values.NEW_PHONE[:9], NAME],  # no number
    ["WhatsApp", values.PATIENT, values.EMAIL, NAME],  # in the wrong column
    ["WhatsApp", "", NAME, values.NEW_PHONE],
]


def who(key: str, **changes: Any) -> Json:
    return patient(key, values.IDENTIFIER, **{
        "name": [{"family": values.FAMILY, "given": [values.GIVEN]}], "birthDate": values.BIRTH_DATE,
        "telecom": [{"system": "phone", "use": "mobile", "value": values.PHONE}],
        "address": [{"line": [values.STREET], "city": values.CITY}], **changes,
    })  # fmt: skip


def test_a_phone_sync_says_nothing_of_a_patient_whatever_its_peers_answer(
    watch: Watch, tmp_path: Path, settings: Any
) -> None:
    """[S4-09]"""
    merged = {"active": False, "link": [{"type": "replaced-by", "other": {"reference": f"Patient/{values.FHIR_ID}"}}]}
    patients = [who(values.FHIR_ID), who(f"{values.FHIR_ID}-2", **merged)]
    with (
        FhirServer(patients, token=TOKEN) as server,
        SheetsServer(Book({"Sheet1": [list(HEADER), *ROWS]}), quota=Quota(0)) as sheets,
    ):
        server.faults.slow_seconds = 2
        google_place_of(tmp_path, settings, server, sheets, name="north", token=TOKEN)
        watch.processes.environment |= {"SHEETS_URL": sheets.url, "FHIR_TIMEOUT_SECONDS": "1"}
        for status, to in ((400, "/token"), (400, "/fhir"), (200, "/fhir"), (400, "/values")):
            watch.echo(status, to=to)
            watch.manage("sync_phones", "--region", "north", "--wait", "--json", status=None)
        worker = watch.start("work")
        for kind in ("http500", "drop", "slow", "html", "entry500", "entry_missing", "conflict", "drop_after_write"):
            server.faults.next(kind)
        sheets.faults.next("write500")
        watch.manage("sync_phones", "--region", "north", "--wait", "--json", "--fresh", status=None)
        watch.manage("sync_phones", "--region", "north", "--wait", "--json", "--fresh")
        synced = Run.objects.filter(job="sync_phones", status="complete").latest("pk")
        server.faults.next("entry500")
        watch.manage("undo_phone_sync", "--run", str(synced.pk), "--wait", "--json")
        watch.manage("clean_phone", "--json", "--country", "ID", "0000", status=1)
        watch.manage("check_alerts")
        watch.end(worker)
        assert set(PhoneRow.objects.values_list("outcome", flat=True)) >= {"updated", "not_found", "invalid_phone"}
        watch.manage("forget_phones", "--region", "north", "--days", "1", "--json")
    assert any(line.startswith(("GET ", "POST ")) for line in watch.requests)
    assert watch.leaks() == []
