"""The phone sync as a loop over rows, as it was before: look up, write every match, write the status, next row.

It has what S1-19 gives it: one pooled session for both schemes that retries 429, 500, 502, 503 and 504 three times with
a backoff of 1 s, and 30 s for a request. Its pace is the region's, by the clock and not by sleeping after work (X-01).
A program of its own: {fhir, token, sheets, key_file, spreadsheet, per_second} on standard input, {rows, seconds,
updated} on standard output.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import gspread
import requests
from google.oauth2.service_account import Credentials
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

TIMEOUT = 30
SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)


def main() -> None:
    given = json.load(sys.stdin)
    sheet = _worksheet(given)
    session = _session(given["token"])
    pace = _Pace(given["per_second"])
    began = time.perf_counter()
    values: list[list[Any]] = sheet.get_all_values(value_render_option=gspread.utils.ValueRenderOption.unformatted)
    names = {str(name): column for column, name in enumerate(values[0])}
    updated = 0
    for row, cells in enumerate(values[1:], start=2):
        phone = clean(cells[names["phone_number"]])
        done, status = _row(session, pace, given["fhir"], str(cells[names["identifier"]]), phone)
        updated += done
        cell = gspread.utils.rowcol_to_a1(row, names["status_update_phone_number"] + 1)
        sheet.batch_update([{"range": cell, "values": [[status]]}])
    seconds = time.perf_counter() - began
    json.dump({"rows": len(values) - 1, "seconds": seconds, "updated": updated}, sys.stdout)


def clean(cell: Any) -> str | None:
    """S1-23 to S1-28, as it was."""
    text = str(cell).strip()
    if not text:
        return None
    if "e+" in text.lower():
        text = str(int(float(text)))
    text = re.sub(r"[^0-9+]", "", text.split(",")[0])
    if "+" not in text and text.startswith("8") and len(text) in (11, 12):
        text = f"0{text}"
    return text if "+" in text or len(text) >= 8 else None


def _row(session: requests.Session, pace: "_Pace", base: str, identifier: str, phone: str | None) -> tuple[int, str]:
    """(patients updated, the status)."""
    if phone is None:
        return 0, "failed: invalid phone"
    pace.wait()
    found = session.get(f"{base}/Patient", params={"identifier": identifier}, timeout=TIMEOUT)
    patients = [entry["resource"] for entry in found.json().get("entry", ())] if found.status_code == 200 else []
    failed = 0
    for patient in patients:
        telecom = [one for one in patient.get("telecom", ()) if one.get("use") != "mobile"]
        patient["telecom"] = [*telecom, {"system": "phone", "value": phone, "use": "mobile"}]
        pace.wait()
        answer = session.put(f"{base}/Patient/{patient['id']}", json=patient, timeout=TIMEOUT)
        failed += answer.status_code not in (200, 201)
    if not patients:
        return 0, "failed: Patient not found"
    return len(patients) - failed, f"failed: Failed {failed}/{len(patients)}" if failed else "success"


def _session(token: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {token}"
    retry = Retry(total=3, backoff_factor=1, status_forcelist=[429, 500, 502, 503, 504])
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _worksheet(given: dict[str, Any]) -> gspread.Worksheet:
    """gspread's own client, pointed at the address that was given."""
    account = Credentials.from_service_account_file(Path(given["key_file"]), scopes=SCOPES)  # type: ignore[no-untyped-call]
    client = gspread.authorize(account)
    session = client.http_client.session
    session.trust_env = False
    session.mount("https://sheets.googleapis.com", _Elsewhere(given["sheets"]))
    return client.open_by_key(given["spreadsheet"]).sheet1


class _Elsewhere(HTTPAdapter):
    """Sends what is meant for Google to another address."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        request.url = str(request.url).replace("https://sheets.googleapis.com", self._base)
        return super().send(request, **options)


class _Pace:
    """At most so many a second."""

    def __init__(self, per_second: float) -> None:
        self._slot, self._next = 1 / per_second, time.monotonic()

    def wait(self) -> None:
        self._next = max(self._next, time.monotonic())
        time.sleep(self._next - time.monotonic() if self._next > time.monotonic() else 0)
        self._next += self._slot


if __name__ == "__main__":
    main()
