"""Whether a town is, after its sync, exactly what it was to become: each row, each patient, each element."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backoffice.runs.models import Run
from regions.models import PhoneRow, PhoneUpdate
from tests.sync.town import ENDED, Json, Town

OPEN = ("server_failed", "unknown", "conflict", "unexpected")


def outcomes_of(run: Run) -> dict[int, tuple[str, str]]:
    """(outcome, reason) by row."""
    rows = PhoneRow.objects.filter(run__chain=run.chain).values_list("row", "outcome", "reason")
    return {row: (outcome, reason) for row, outcome, reason in rows}


def check_rows(town: Town, found: Mapping[int, tuple[str, str]], *, tried_again: bool = False) -> None:
    """`tried_again`: what a first run has written without learning of it, a later one finds unchanged."""
    wrong = {}
    for row, outcome in town.outcomes.items():
        now, reason = found[row]
        same = now == outcome or (tried_again and {now, outcome} <= {"updated", "unchanged"})
        if not same or town.reasons.get(row, reason) != reason:
            wrong[row] = (town.rows[row - 2][2], outcome, now, reason)
    assert not wrong, (len(wrong), list(wrong.items())[:5])
    assert found.keys() == town.outcomes.keys()


def check_statuses(town: Town, statuses: list[Any], *, tried_again: bool = False) -> None:
    """What the sheet says beside each row."""
    says = {"updated": "success", "unchanged": "unchanged"}
    wrong = {}
    for row, outcome in town.outcomes.items():
        said, wanted = str(statuses[row - 2]), says.get(outcome, "failed: ")
        if not (said.startswith(wanted) or (tried_again and {said, wanted} <= set(says.values()))):
            wrong[row] = (outcome, said)
    assert not wrong, (len(wrong), list(wrong.items())[:5])


def check_patients(town: Town, now: Mapping[str, Json]) -> None:
    """Whom the rows mean has their numbers, each written once; nobody else and nothing else has changed."""
    wrong = []
    for patient in town.patients:
        key = patient["id"]
        if key in town.gone:
            continue
        found = now[key]
        wanted = {**patient, "telecom": town.telecom[key]} if key in town.telecom else patient
        if _plain(found) != _plain(wanted) or found["meta"]["versionId"] != str(town.versions.get(key, 1)):
            wrong.append((key, found, wanted, town.versions.get(key, 1)))
    assert not wrong, (len(wrong), wrong[:2])


def check_writes() -> None:
    """Nothing is left in doubt."""
    assert not PhoneUpdate.objects.filter(state__in=("intended", "unknown")).exists()


def _plain(patient: Json) -> str:
    """As text, without what a server sets itself; the day of the sync as one word."""
    meta = {name: value for name, value in patient.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    telecom = [_undated(entry) for entry in patient.get("telecom", [])]
    shown = {**patient, "telecom": telecom, **({"meta": meta} if meta else {})}
    return json.dumps({name: shown[name] for name in shown if name != "meta" or meta}, sort_keys=True, default=str)


def _undated(entry: Json) -> Json:
    end = entry.get("period", {}).get("end", "")
    around = datetime.now(UTC).date()
    days = {(around + timedelta(days=step)).isoformat() for step in (-1, 0, 1)}
    return {**entry, "period": {**entry["period"], "end": ENDED}} if end in days else entry
