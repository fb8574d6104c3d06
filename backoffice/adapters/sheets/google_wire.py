"""Google's Sheets API by gspread's own client, on our HTTP: total limits, pooled, no proxy or netrc of the environment.

gspread and google-auth speak through requests. A transport adapter, requests' own place for that, is mounted in both of
their sessions: it sends by HttpClient, and what is meant for Google's address to `base_url`, which tests set.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials
from gspread import Client
from gspread.exceptions import APIError
from gspread.http_client import HTTPClient
from requests.adapters import BaseAdapter

from backoffice.adapters.http import HttpClient, NotSent, Unanswered, is_safe_url
from backoffice.adapters.sheets.faults import SheetRefused, SheetUnavailable

GOOGLE: Final = "https://sheets.googleapis.com"
SCOPE: Final = "https://www.googleapis.com/auth/spreadsheets"
PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
# By the reason that Google gives, else by status.
REFUSALS: Final[dict[str | int, str]] = {
    "SERVICE_DISABLED": "The Google Sheets API is not enabled in the project of {email}: enable it.",
    "FAILED_PRECONDITION": "The spreadsheet is an Office file in Drive: save it as Google Sheets.",
    400: "There is no such worksheet or row: correct WORKSHEET_ID; or was it deleted just now?",
    401: "Google refuses the token of {email} (HTTP 401): is its key still valid?",
    403: "The spreadsheet is not open to {email}: share it with this address, as an editor.",
    404: "There is no such spreadsheet: correct SPREADSHEET_ID.",
}
NOT_SENT: Final = frozenset({"accept-encoding", "connection", "content-length", "host"})


def account_of(path: Path) -> Credentials:
    """The service account of a key file. Raises SheetRefused, which never repeats what is in it."""
    try:
        info = json.loads(path.read_bytes())
        account: Credentials = Credentials.from_service_account_info(info, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    except OSError as error:
        raise SheetRefused(f"{path}: {error.strerror}: it should be the service account's key file.") from None
    except (ValueError, GoogleAuthError, TypeError, AttributeError, KeyError):
        raise SheetRefused(f"{path} is not a service account's key file: download one in Google's console.") from None
    if not is_safe_url(str(info["token_uri"])):
        raise SheetRefused(f"{path} names a token_uri that is not https: download the key file again.")
    return account


class Wire:
    """The calls to one spreadsheet, each sent once; faults as SheetRefused and SheetUnavailable."""

    def __init__(self, account: Credentials, *, timeout: float, base_url: str = GOOGLE) -> None:
        if not is_safe_url(base_url):
            raise SheetRefused("The address of the Sheets API is not an https URL.")
        self._email = account.service_account_email
        self._http = HttpClient(timeout=timeout, connections=2, headers={})
        for_tokens = requests.Session()
        session = AuthorizedSession(account, auth_request=Request(for_tokens))  # type: ignore[no-untyped-call]
        for one in (for_tokens, session):
            one.trust_env = False
            one.mount("https://", _Transport(self._http, base_url.rstrip("/")))
            one.mount("http://", _Transport(self._http, base_url.rstrip("/")))
        self._client = Client(auth=None, session=session).http_client  # type: ignore[arg-type]

    def ask(self, call: Callable[[HTTPClient], Any]) -> dict[str, Any]:
        """The JSON object that gspread's client answers."""
        try:
            answer = call(self._client)
        except APIError as error:
            raise self._fault(error) from None
        except RefreshError as error:
            raise self._token_fault(error) from None
        except (requests.ConnectionError, TransportError):
            raise SheetUnavailable("connection", passing=True) from None
        except requests.Timeout:
            raise SheetUnavailable("unanswered", passing=True) from None
        except (KeyError, TypeError, AttributeError, ValueError):  # no JSON, or an error of another shape
            answer = None
        if not isinstance(answer, dict):
            raise SheetUnavailable("unreadable_answer", passing=True)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _token_fault(self, error: RefreshError) -> Exception:
        """google-auth has tried three times where that makes sense."""
        if error.retryable:
            return SheetUnavailable("connection", "token")
        return SheetRefused(
            f"Google refuses the key of {self._email}: make a new key file, and see that this machine's clock is right."
        )

    def _fault(self, error: APIError) -> Exception:
        status, reasons = error.response.status_code, _reasons(error.error)
        if "RATE_LIMIT_EXCEEDED" in reasons:
            status = 429
        if status in PASSING:
            return SheetUnavailable(f"http_{status}", passing=True, retry_after=_retry_after(error.response))
        says = next((says for reason, says in REFUSALS.items() if reason in reasons), REFUSALS.get(status))
        if says is not None:
            return SheetRefused(says.format(email=self._email))
        return SheetUnavailable(f"http_{status}")


class _Transport(BaseAdapter):
    """requests' way to the network, by HttpClient. Answers have no header but Retry-After: no redirect is followed."""

    def __init__(self, http: HttpClient, base_url: str) -> None:
        super().__init__()
        self._http, self._base_url = http, base_url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send once. Raises requests' ConnectionError and Timeout, and SheetUnavailable for too long an answer."""
        url = str(request.url)
        if url.startswith(f"{GOOGLE}/"):
            url = self._base_url + url.removeprefix(GOOGLE)
        body = request.body.encode() if isinstance(request.body, str) else cast("bytes | None", request.body)
        headers = {name: _text(value) for name, value in request.headers.items() if name.lower() not in NOT_SENT}
        try:
            answer = self._http.send(str(request.method), url, body, headers)
        except NotSent:
            raise requests.ConnectionError("not sent") from None
        except Unanswered:
            raise requests.Timeout("unanswered") from None
        if answer.cut:
            raise SheetUnavailable("too_long")
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, url, request
        response.raw, response.encoding = io.BytesIO(answer.body), "utf-8"
        if answer.retry_after is not None:
            response.headers["Retry-After"] = str(answer.retry_after)
        return response

    def close(self) -> None:
        """The connections belong to who made them."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _retry_after(response: requests.Response) -> float | None:
    seconds = response.headers.get("Retry-After")
    return None if seconds is None else float(seconds)


def _reasons(error: Any) -> set[str]:
    """The status and reasons of an error, which are words of Google's; its messages may repeat what was sent."""
    if not isinstance(error, dict):
        return set()
    details = error.get("details")
    listed = details if isinstance(details, list) else []
    found = [error.get("status"), *(detail.get("reason") for detail in listed if isinstance(detail, dict))]
    return {word for word in found if isinstance(word, str)}
