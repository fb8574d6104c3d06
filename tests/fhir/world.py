"""Patients and phones for tests of the FHIR adapter, and what it may change in them."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from backoffice.adapters.fhir import Change, FhirClient, Options, Patient, Written, change_phone
from backoffice.sandbox.fhir import SYSTEM, generate
from backoffice.sandbox.fhir.patients import nik
from backoffice.sandbox.fhir.store import Store

REGION, TODAY, NUMBER = "purbalingga", date(2026, 11, 22), "+6281234567890"
FAST = Options(requests_per_second=2000, entries_per_second=200_000, backoff=0.01, timeout=5)
Connect = Callable[..., FhirClient]
Json = dict[str, Any]

# Where generate() has which kind.
DUPLICATE, FOREIGN, MERGED, INACTIVE, NO_PHONE, RICH = (nik(1, number) for number in range(40, 46))
ORDINARY = [nik(1, number) for number in range(40)]


def patient(key: str, value: str = "", **changes: Any) -> Json:
    """A patient with an identifier of the system."""
    return {
        "resourceType": "Patient",
        "id": key,
        "identifier": [{"system": SYSTEM, "value": value or key}],
        "telecom": [{"system": "phone", "use": "mobile", "value": "+62811000000"}],
        **changes,
    }


def hospital_of(count: int = 50) -> list[Json]:
    """What generate() makes."""
    return list(generate(count))


def everyone(client: FhirClient, values: Sequence[str]) -> list[Patient]:
    """The patients to update of these values, none of which may have failed."""
    found = client.find(values, region=client.region)
    assert {one.fault for one in found.values()} == {""}
    return [patient for one in found.values() for patient in one.patients]


def change(patients: Iterable[Patient], number: str = NUMBER) -> list[Change]:
    """The number for all of them; each must have another one."""
    changes = []
    for one in patients:
        resource = change_phone(one.resource, number, TODAY)
        assert resource is not None
        changes.append(Change(patient=one, resource=resource))
    return changes


def put(client: FhirClient, changes: Sequence[Change]) -> list[Written]:
    return client.put(changes, region=client.region)


def mobile(resource: Json) -> str:
    """The mobile number in force."""
    [entry] = [one for one in resource["telecom"] if one.get("system") == "phone" and one.get("use") == "mobile"]
    return str(entry["value"])


def but_telecom(resource: Json) -> str:
    """Everything else, as text, so that order and decimals count; without what a server sets itself."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    kept = {name: value for name, value in resource.items() if name not in ("telecom", "meta")}
    return json.dumps([kept, meta], default=str)


def snapshot(store: Store) -> dict[str, Json]:
    """Every patient of the sandbox as it is."""
    return {key: one for key in store.everybody() if (one := store.read(key))}
