"""load_region --check: does each endpoint of a region answer, and take its token?"""

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice.adapters.hospital import Hospital, HospitalRefused, HospitalUnavailable
from backoffice.adapters.probe import Unreachable, probe

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What became of one call; `says` is for people and holds no secret."""

    endpoint: str
    works: bool
    says: str


def endpoints(values: Mapping[str, str]) -> list[Finding]:
    """Ask each endpoint that the values name one harmless question, which reads no patient."""
    findings = []
    if url := values.get("HOSPITAL_GRAPHQL_URL"):
        findings.append(_hospital(url, values.get("HOSPITAL_API_TOKEN", "")))
    if url := values.get("FHIR_SERVER_URL"):
        findings.append(_fhir(url, values.get("FHIR_API_TOKEN", "")))
    return findings


def _hospital(url: str, token: str) -> Finding:
    hospital = Hospital(url, token, timeout=TIMEOUT_SECONDS, connections=1)
    try:
        hospital.configuration("nightward-check")
    except HospitalRefused as refusal:
        return Finding(endpoint="hospital", works=False, says=str(refusal))
    except HospitalUnavailable as fault:
        return Finding(endpoint="hospital", works=False, says=f"does not work: {fault}")
    finally:
        hospital.close()
    return Finding(endpoint="hospital", works=True, says="works")


def _fhir(url: str, token: str) -> Finding:
    try:
        status = probe(f"{url.rstrip('/')}/Patient?_summary=count", token=token, timeout=TIMEOUT_SECONDS)
    except Unreachable as fault:
        return Finding(endpoint="FHIR server", works=False, says=f"does not work: {fault}")
    says = {200: "works", 401: "refuses the token (HTTP 401)", 403: "refuses the token (HTTP 403)"}
    return Finding(endpoint="FHIR server", works=status == 200, says=says.get(status, f"answers HTTP {status}"))
