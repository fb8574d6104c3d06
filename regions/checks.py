"""load_region --check: does each endpoint of a region answer, and take its token?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backoffice.adapters.fhir import Credentials, FhirRefused, FhirUnavailable, Options, open_client
from backoffice.adapters.hospital import Hospital, HospitalRefused, HospitalUnavailable
from backoffice.adapters.sftp import SftpFault, SftpRefused, connect
from backoffice.adapters.sheets import SheetRefused, SheetUnavailable
from backoffice.adapters.sheets.rows import letters_of
from regions.clearinghouse import missing_keys, server_of
from regions.sheets import ONCE as ONE_TRY
from regions.sheets import open_sheet

TIMEOUT_SECONDS = 10.0
ONCE = Options(requests_per_second=None, entries_per_second=None, timeout=TIMEOUT_SECONDS, backoff=0.1, connections=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What became of one call; `says` is for people and holds no secret."""

    endpoint: str
    works: bool
    says: str


def endpoints(
    values: Mapping[str, str],
    credential_file: str = "",
    clearinghouse: Mapping[str, Any] | None = None,
    *,
    sharers: Sequence[str] = (),
) -> list[Finding]:
    """Ask each endpoint that is named one harmless question, which reads no patient: of a sheet, its row 1.

    `sharers`: the regions that name the sheet as well, in words; then it works for none of them.
    """
    findings = []
    if url := values.get("HOSPITAL_GRAPHQL_URL"):
        findings.append(_hospital(url, values.get("HOSPITAL_API_TOKEN", "")))
    if url := values.get("FHIR_SERVER_URL"):
        findings.append(_fhir(url, values))
    if values.get("SPREADSHEET_ID"):
        findings.append(_shared(sharers) if sharers else _sheet(values, credential_file))
    if clearinghouse:
        findings.append(_clearinghouse(clearinghouse, values))
    return findings


def _clearinghouse(told: Mapping[str, Any], values: Mapping[str, str]) -> Finding:
    """The host's key, one login, and that both folders are there; nothing is put into them."""
    if missing := missing_keys(told, values):
        return Finding(endpoint="clearinghouse", works=False, says=f"lacks {', '.join(missing)}")
    try:
        with connect(replace(server_of(told, values), timeout=TIMEOUT_SECONDS, tries=1)) as mailbox:
            mailbox.check()
    except SftpRefused as refusal:
        return Finding(endpoint="clearinghouse", works=False, says=str(refusal))
    except SftpFault as fault:
        return Finding(endpoint="clearinghouse", works=False, says=f"does not work: {fault}")
    return Finding(endpoint="clearinghouse", works=True, says="works")


def _shared(sharers: Sequence[str]) -> Finding:
    says = f"{', '.join(sharers)} names it as well, so that neither is synced: correct SPREADSHEET_ID or WORKSHEET_ID"
    return Finding(endpoint="sheet", works=False, says=f"{says} of one of them")


def _sheet(values: Mapping[str, str], credential_file: str) -> Finding:
    try:
        with open_sheet(values, credential_file, patience=ONE_TRY) as sheet:
            status = letters_of(sheet.columns().status)
    except SheetRefused as refusal:
        return Finding(endpoint="sheet", works=False, says=str(refusal))
    except SheetUnavailable as fault:
        return Finding(endpoint="sheet", works=False, says=f"cannot be read ({fault}): try again later")
    return Finding(endpoint="sheet", works=True, says=f"works, statuses go to column {status}")


def _hospital(url: str, token: str) -> Finding:
    hospital = Hospital(url, token, timeout=TIMEOUT_SECONDS, connections=1)
    try:
        hospital.configuration("nightward-check")
    except HospitalRefused as refusal:
        return Finding(endpoint="hospital", works=False, says=str(refusal))
    except HospitalUnavailable as fault:
        return Finding(endpoint="hospital", works=False, says=_silent(fault, "HOSPITAL_GRAPHQL_URL"))
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
        return Finding(endpoint="FHIR server", works=False, says=_silent(fault, "FHIR_SERVER_URL"))
    says = {200: "works", 403: "lets the token search no patients (HTTP 403): give the region's client the right"}
    other = _silent(f"HTTP {status}", "FHIR_SERVER_URL")
    return Finding(endpoint="FHIR server", works=status == 200, says=says.get(status, other))


def _silent(fault: object, key: str) -> str:
    return f"does not work ({fault}): see that it runs, or correct {key}"


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
