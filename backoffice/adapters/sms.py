"""Text messages by Twilio's REST API, each sent once; and whether a webhook is Twilio's.

Sources: Twilio's "Messages resource", "Twilio API responses", "Error 20429" (what is answered 429 was not processed)
and "Security: Validating Requests". The numbers and texts of people are in no exception, log or address.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from backoffice.adapters.http import Answer, HttpClient, NotSent, Unanswered, is_safe_url
from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown
from backoffice.adapters.sms_codes import refusal

TWILIO: Final = "https://api.twilio.com"
VALID_SECONDS: Final = 4 * 3600  # how long a message may wait at Twilio; after that it is not sent any more (30036)
PAGE: Final = 1000
MOST_PAGES: Final = 100


class SmsRefused(Exception):
    """Nothing can be sent until somebody changes a setting; the message is one line."""


class SmsUnavailable(Exception):
    """What was asked for was not answered; asking again does no harm. The message is a code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A message that Twilio has; `error` is its code of a failed one, 0 for none."""

    sid: str
    status: str
    error: int = 0


class Sms:
    """One account. `sender` is a number of it (From) or a messaging service (MG…); safe to share between threads.

    `sid` and `secret` are the account's and its auth token; a call takes at most `timeout` seconds. Raises SmsRefused.
    """

    def __init__(
        self, sid: str, secret: str, sender: str, *, timeout: float = 30.0, base_url: str = TWILIO, connections: int = 8
    ) -> None:
        if not is_safe_url(base_url):
            raise SmsRefused("The address of the SMS API is not an https URL.")
        if not (sid and secret and sid.isascii() and sid.isalnum() and secret.isascii() and secret.isprintable()):
            raise SmsRefused("The SMS account's SID or token is missing, or has characters that none of them has.")
        self._sender = sender
        self._base = base_url.rstrip("/")
        self._path = f"/2010-04-01/Accounts/{sid}/Messages"
        basic = base64.b64encode(f"{sid}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        self._http = HttpClient(timeout=timeout, connections=connections, headers=headers)

    def send_sms(self, to: str, body: str, *, callback_url: str = "", valid_seconds: int = VALID_SECONDS) -> Sent:
        """Send `body` to the number `to` (E.164). Twilio tells `callback_url` what becomes of it.

        It is sent once: a Refused that is not permanent may be sent again, an Unknown only when find() has shown that
        Twilio does not have it.
        """
        sender = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        form = {"To": to, sender: self._sender, "Body": body, "ValidityPeriod": str(valid_seconds)}
        if callback_url:
            form["StatusCallback"] = callback_url
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = self._http.send("POST", f"{self._base}{self._path}.json", urlencode(form).encode(), headers)
        except NotSent:
            return Refused(code="connection", why="busy", permanent=False)
        except Unanswered:
            return Unknown(code="unanswered")
        return _sent(answer)

    def find(
        self, to: str, body: str, since: datetime, skip: Callable[[str], bool] = lambda _: False
    ) -> Found | None:  # fmt: skip
        """The newest message of this text to this number that was made at or after `since` (aware, to the second).

        `skip` says of a SID whether it is another message's: two that are alike differ in nothing else.

        None: not found, which is proof only when the message cannot wait at Twilio any more (`valid_seconds` after it
        was sent): one that is still in the queue has no DateSent, and may not be listed. Numbers are compared here,
        and not asked for, since they would stand in the address. Raises SmsRefused and SmsUnavailable.
        """
        begins = since.astimezone(UTC).replace(microsecond=0)
        for message in self._listed(begins - timedelta(days=1)):
            made = _moment(message.get("date_created"))
            if message.get("to") == to and message.get("body") == body and made is not None and made >= begins:
                found = _found(message)
                if not skip(found.sid):
                    return found
        return None

    def read(self, sid: str) -> Found | None:
        """The message of this SID, where Twilio has it. Raises SmsRefused and SmsUnavailable."""
        answer = self._got(f"{self._path}/{quote(sid, safe='')}.json")
        return None if answer is None else _found(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _listed(self, begins: datetime) -> Iterator[dict[str, Any]]:
        """The messages that were sent on the day of `begins` or later, the newest first."""
        path = f"{self._path}.json?{urlencode({'DateSent>': begins.date().isoformat(), 'PageSize': PAGE})}"
        for _ in range(MOST_PAGES):
            page = self._got(path)
            messages = page.get("messages") if page else None
            if page is None or not isinstance(messages, list):
                raise SmsUnavailable("unreadable_answer")
            yield from (one for one in messages if isinstance(one, dict))
            following = page.get("next_page_uri")
            if not following:
                return
            if not (isinstance(following, str) and following.startswith(f"{self._path}.json?")):
                raise SmsUnavailable("unreadable_answer")
            path = following
        raise SmsUnavailable("too_many")

    def _got(self, path: str) -> dict[str, Any] | None:
        """The JSON object; None for 404."""
        try:
            answer = self._http.send("GET", self._base + path, None, {})
        except (NotSent, Unanswered):
            raise SmsUnavailable("connection") from None
        if answer.status == 404:
            return None
        if answer.status in (401, 403):
            raise SmsRefused(f"Twilio refuses the account's SID or token (HTTP {answer.status}).")
        body = _json(answer)
        if answer.status != 200 or not body:
            raise SmsUnavailable("unreadable_answer" if answer.status == 200 else f"http_{answer.status}")
        return body


def signature_is_valid(url: str, form: Mapping[str, str | Sequence[str]], header: str, token: str) -> bool:
    """Whether `header` is the X-Twilio-Signature of this POST: `url` as Twilio was given it, each field of the form.

    The port may be left out of the address, or be in it, by whoever stands between. An empty token is never right.
    """
    if not token:
        return False
    fields = "".join(name + value for name in sorted(form) for value in _values(form[name]))
    return any(
        hmac.compare_digest(_signature(address + fields, token).encode(), header.encode()) for address in _spelled(url)
    )


def _signature(text: str, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _values(value: str | Sequence[str]) -> list[str]:
    """Of a field that comes more than once each different value once, sorted."""
    return [value] if isinstance(value, str) else sorted(set(value))


def _spelled(url: str) -> list[str]:
    """The address as it is, and with the scheme's own port left out or put in."""
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    if port is None or parts.hostname is None or parts.port not in (None, port):
        return [url]
    bare = parts.netloc.removesuffix(f":{port}")
    return [parts._replace(netloc=netloc).geturl() for netloc in (bare, f"{bare}:{port}")]


def _sent(answer: Answer) -> Sent:
    body = _json(answer)
    if answer.status in (200, 201):
        sid, status, error = body.get("sid"), body.get("status"), body.get("error_code")
        if status == "failed":
            return refusal(answer.status, error if isinstance(error, int) else 0, None)
        if isinstance(sid, str) and sid:
            return Accepted(id=sid, status=status if isinstance(status, str) else "")
        return Unknown(code="unreadable_answer")
    if answer.status >= 500 or answer.status == 408:
        return Unknown(code=f"http_{answer.status}")
    code = body.get("code")
    return refusal(answer.status, code if isinstance(code, int) else 0, answer.retry_after)


def _found(message: Mapping[str, Any]) -> Found:
    sid, status, error = message.get("sid"), message.get("status"), message.get("error_code")
    if not (isinstance(sid, str) and isinstance(status, str)):
        raise SmsUnavailable("unreadable_answer")
    return Found(sid=sid, status=status, error=error if isinstance(error, int) else 0)


def _moment(text: Any) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _json(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is none."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
