"""The messages of one account: what is known of each, and the lists that are asked for."""

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlencode

LARGEST_PAGE: Final = 1000


@dataclass(kw_only=True, slots=True)
class Message:
    """One message. `sent` is None until it left the queue; `error` is Twilio's code of a failed one."""

    account: str
    to: str
    sender: str
    service: str
    body: str
    callback: str
    created: datetime
    direction: str = "outbound-api"
    status: str = "queued"
    sent: datetime | None = None
    error: int | None = None
    sid: str = field(default_factory=lambda: f"SM{secrets.token_hex(16)}")

    def as_json(self) -> dict[str, Any]:
        """The Message resource."""
        uri = f"/2010-04-01/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "account_sid": self.account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": _stamp(self.created),
            "date_sent": _stamp(self.sent),
            "date_updated": _stamp(self.sent or self.created),
            "direction": self.direction,
            "error_code": self.error,
            "error_message": None,
            "from": None if self.status == "accepted" else self.sender,
            "messaging_service_sid": self.service or None,
            "num_media": "0",
            "num_segments": "0" if self.service else str(1 + (len(self.body) - 1) // 153),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


class Messages:
    """All of them, in the order of their arrival; safe under threads."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Message] = {}
        self._lock = threading.Lock()

    def add(self, message: Message) -> None:
        """Keep it."""
        with self._lock:
            self._by_sid[message.sid] = message

    def get(self, sid: str) -> Message | None:
        """The message, where there is one."""
        return self._by_sid.get(sid)

    def all(self) -> list[Message]:
        """In the order of their arrival."""
        with self._lock:
            return list(self._by_sid.values())

    def page(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One page of the list, the newest first, as the query narrows it down. Raises ValueError.

        Whether DateSent finds a message that was not sent yet is not documented; here it does not.
        """
        size = min(int(query.get("PageSize", 50)), LARGEST_PAGE)
        number = int(query.get("Page", 0))
        if size < 1 or number < 0:
            raise ValueError("PageSize and Page")
        _days(query)
        found = [one for one in reversed(self.all()) if _fits(one, query)]
        shown = found[number * size : (number + 1) * size]
        more = len(found) > (number + 1) * size
        return {
            "messages": [one.as_json() for one in shown],
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(0, len(shown) - 1),
            "uri": _uri(path, query, number),
            "first_page_uri": _uri(path, query, 0),
            "previous_page_uri": _uri(path, query, number - 1) if number else None,
            "next_page_uri": _uri(path, {**query, "PageToken": f"PA{shown[-1].sid}"}, number + 1) if more else None,
        }


def _fits(message: Message, query: Mapping[str, str]) -> bool:
    if query.get("To", message.to) != message.to or query.get("From", message.sender) != message.sender:
        return False
    if not (wanted := _days(query)):
        return True
    day = message.sent.astimezone(UTC).date() if message.sent else None
    return day is not None and all(_WITHIN[name](day, limit) for name, limit in wanted.items())


_WITHIN: Final = {
    "DateSent": lambda day, limit: day == limit,
    "DateSent>": lambda day, limit: day >= limit,
    "DateSent<": lambda day, limit: day <= limit,
}


def _days(query: Mapping[str, str]) -> dict[str, date]:
    """The limits by DateSent. Raises ValueError."""
    return {name: date.fromisoformat(query[name][:10]) for name in _WITHIN if name in query}


def _uri(path: str, query: Mapping[str, str], page: int) -> str:
    return f"{path}?{urlencode({**query, 'Page': page})}"


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else format_datetime(moment.astimezone(UTC))
