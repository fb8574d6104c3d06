"""load_region --check: does each endpoint of a region answer, and take its token?"""

from collections.abc import Mapping
from dataclasses import dataclass

from backoffice.adapters.fhir import Credentials, FhirRefused, FhirUnavailable, Options, open_client
from backoffice.adapters.hospital import Hospital, HospitalRefused, HospitalUnavailable

TIMEOUT_SECONDS = 10.0
ONCE = Options(requests_per_second=None, entries_per_second=None, timeout=TIMEOUT_SECONDS, backoff=0.1, connections=1)


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
        findings.append(_fhir(url, values))
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


def _fhir(url: str, values: Mapping[str, str]) -> Finding:
    try:
        with open_client("check", url, fhir_token(values), system="check", redis_url="", options=ONCE) as client:
            status = client.try_search(region="check")
    except FhirRefused as refusal:
        return Finding(endpoint="FHIR server", works=False, says=str(refusal))
    except FhirUnavailable as fault:
        return Finding(endpoint="FHIR server", works=False, says=f"does not work: {fault}")
    says = {200: "works", 403: "refuses what the token may do (HTTP 403)"}
    return Finding(endpoint="FHIR server", works=status == 200, says=says.get(status, f"answers HTTP {status}"))


def fhir_token(values: Mapping[str, str]) -> str | Credentials:
    """FHIR_API_TOKEN, else client credentials; an empty token where the values hold neither."""
    token = values.get("FHIR_API_TOKEN", "")
    if token or not values.get("FHIR_TOKEN_URL"):
        return token
    return Credentials(
        token_url=values["FHIR_TOKEN_URL"],
        client_id=values.get("FHIR_CLIENT_ID", ""),
        client_secret=values.get("FHIR_CLIENT_SECRET", ""),
    )
