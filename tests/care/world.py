"""A region that asks the sandbox pVerify, and patients with insurance."""

from typing import Any

from backoffice.runs.models import Run
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.pverify import PVerify
from clinic.care.eligibility.register import register
from clinic.care.models import EligibilityInformation
from clinic.patients.models import Patient
from regions.models import Region
from tests.booking.world import PatientFactory
from tests.running import finish, start

SECRET = "a-secret-of-this-test"
Peer = HttpPeer[PVerify]
INSURANCE = {
    "payer_code": "00001", "payer_name": "Aetna", "provider_npi": "1234567893", "provider_last_name": "WELBY",
}  # fmt: skip


def account(peer: Peer) -> dict[str, str]:
    """The keys of a region whose account the peer is."""
    return {"PVERIFY_URL": peer.url, "PVERIFY_CLIENT_ID": "sandbox", "PVERIFY_CLIENT_SECRET": SECRET}


def insured(region: Region, member: str = "W1", patient: Patient | None = None) -> EligibilityInformation:
    """A patient with this member id; the sandbox answers by what it begins with."""
    return register(patient or PatientFactory.create(region=region), {**INSURANCE, "member_id": member})[0]


def check(region: Region, **parameters: Any) -> Run:
    """A check of the region, in this process, to its end."""
    return finish(start("check_eligibility", region, **parameters))


def outcomes(run: Run) -> dict[str, int]:
    """What the run counts, over its steps."""
    found: dict[str, int] = {}
    for part in run.parts.all():
        for name, number in part.outcomes.items():
            found[name] = found.get(name, 0) + number
    return found
