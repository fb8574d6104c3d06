"""A phone sync in small, as whoever uses the adapter would do it: until everybody has the number."""

from collections import Counter
from collections.abc import Mapping

from backoffice.adapters.fhir import Change, FhirClient, Patient, change_phone
from tests.fhir.world import TODAY

ROUNDS = 30


def sync(client: FhirClient, numbers: Mapping[str, str]) -> Counter[str]:
    """Give every patient of these values its number; how often each outcome came. Fails where that never ends."""
    outcomes: Counter[str] = Counter()
    left = dict(numbers)
    for _ in range(ROUNDS):
        found = client.find(list(left), region=client.region)
        outcomes.update(one.outcome for one in found.values())
        settled = {value for value, one in found.items() if one.outcome != "failed"}
        changes = [
            wanted for value in settled for one in found[value].patients if (wanted := _change(one, left[value]))
        ]
        written = client.put(changes, region=client.region)
        outcomes.update(one.outcome for one in written)
        # What is unknown or in conflict is looked up again: equal by then, it was done.
        open_ids = {change.patient.id for change, one in zip(changes, written, strict=True) if one.outcome != "written"}
        left = {
            value: number
            for value, number in left.items()
            if value not in settled or open_ids & {one.id for one in found[value].patients}
        }
        if not left:
            return outcomes
    raise AssertionError(f"{len(left)} values are still open: {outcomes}")


def _change(patient: Patient, number: str) -> Change | None:
    resource = change_phone(patient.resource, number, TODAY)
    return Change(patient=patient, resource=resource) if resource else None
