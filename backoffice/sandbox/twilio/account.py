"""One account of Twilio: /2010-04-01/Accounts/{Sid}/Messages.json, and what people do with the messages."""

import base64
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from backoffice.sandbox.control import COMMON, carry_out, state_of
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.http import Reply, Request
from backoffice.sandbox.peer import COMMON_KINDS, Json, json_reply
from backoffice.sandbox.traffic import Traffic
from backoffice.sandbox.twilio.courier import Courier
from backoffice.sandbox.twilio.messages import Message, Messages
from backoffice.sandbox.twilio.rules import Refusal, wanted_of

ACCOUNT: Final = "AC" + "5a" * 16
SERVICE: Final = "MG" + "5a" * 16
FROM: Final = "+15005550006"  # the magic number that may send
STOP_WORDS: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
START_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})
NEVER_SENT: Final = frozenset({30036, 30610})  # too long in the queue; quiet hours
PATH: Final = re.compile(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages(?:/([SM]M[0-9a-f]{32}))?\.json")


def twilio_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(COMMON_KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)


class Twilio:
    """The account ACCOUNT, which sends from FROM and by SERVICE; `webhook` is where what people write is told.

    `outcomes`: by number, the code with which a message to it fails after it was accepted. `quiet_zone`: a message
    from 21:00 to 8:00 there fails with 30610.
    """

    paths = ("/2010-04-01/",)

    def __init__(
        self,
        *,
        token: str = "",
        webhook: str = "",
        delay: float = 0.0,
        quiet_zone: str = "",
        faults: Faults | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.sid, self.token = ACCOUNT, token or secrets.token_hex(16)
        self.webhook, self.delay, self.quiet_zone = webhook, delay, quiet_zone
        self.outcomes: dict[str, int] = {}
        self.opted_out: set[str] = set()
        self.faults, self.traffic, self.latency_ms = faults or twilio_faults(), Traffic(), 0.0
        self.messages, self.courier, self._now = Messages(), Courier(self.token), now

    def answer(self, request: Request, occasion: Occasion) -> Reply:
        path, _, query = request.path.partition("?")
        try:
            return self._answer(request, path, dict(parse_qsl(query, keep_blank_values=True)))
        except Refusal as refusal:
            return json_reply(refusal.status, refusal.body)

    def problem(self, status: int) -> Reply:
        return json_reply(status, Refusal(20000 + status, status=status).body)

    def control(self, orders: Any) -> Json:
        carry_out(self, orders, {**COMMON, **_ORDERS})
        listed = orders.get("list", [])
        messages, posted = [one.as_json() for one in self.messages.all()], list(self.courier.posted)
        return {
            **state_of(self),
            "opted_out": sorted(self.opted_out),
            "messages": messages if "messages" in listed else len(messages),
            "webhooks": posted if "webhooks" in listed else len(posted),
        }

    def close(self) -> None:
        self.courier.close()

    def receive(self, sender: str, body: str) -> None:
        """A person writes `body` to FROM: STOP and START are heeded, and the webhook is told."""
        message = Message(
            account=self.sid, to=FROM, sender=sender, service="", body=body, callback="", created=self._now(),
            direction="inbound", status="received",
        )  # fmt: skip
        word = body.strip().upper()
        if word in STOP_WORDS:
            self.opted_out.add(sender)
        elif word in START_WORDS:
            self.opted_out.discard(sender)
        self.messages.add(message)
        if self.webhook:
            url, form = self.webhook, {**self._told(message), "Body": body, "NumMedia": "0", "NumSegments": "1"}
            self.courier.do(lambda: self.courier.post(url, form))

    def _answer(self, request: Request, path: str, query: Mapping[str, str]) -> Reply:
        match = PATH.fullmatch(path)
        if match is None:
            raise Refusal(20404, path, status=404)
        if not self._is_ours(request) or match[1] != self.sid:
            raise Refusal(20003, status=401)
        if match[2]:
            return self._one(path, match[2])
        if request.method == "POST":
            return self._create(dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)))
        if request.method != "GET":
            raise Refusal(20004, status=405)
        self.traffic.count("list")
        try:
            return json_reply(200, self.messages.page(path, query))
        except ValueError:
            raise Refusal(20404, path, status=404) from None

    def _one(self, path: str, sid: str) -> Reply:
        self.traffic.count("read")
        if (message := self.messages.get(sid)) is None:
            raise Refusal(20404, path, status=404)
        return json_reply(200, message.as_json())

    def _create(self, form: Mapping[str, str]) -> Reply:
        self.traffic.count("send")
        wanted = wanted_of(form, {FROM}, {SERVICE: FROM})
        if wanted.to in self.opted_out:
            raise Refusal(21610)
        message = Message(
            account=self.sid, to=wanted.to, sender=wanted.sender, service=wanted.service, body=wanted.body,
            callback=wanted.callback, created=self._now(), status="accepted" if wanted.service else "queued",
        )  # fmt: skip
        self.messages.add(message)
        answer = message.as_json()
        self.courier.do(lambda: self._deliver(message))
        return json_reply(201, answer)

    def _deliver(self, message: Message) -> None:
        """From the queue to the phone, or not; each step told to the message's callback."""
        self.courier.wait(self.delay)
        error = self.outcomes.get(message.to) or (30610 if self._is_quiet() else None)
        if error not in NEVER_SENT:
            message.sent = self._now()
            self._step(message, "sent")
        message.error = error
        self._step(message, "delivered" if error is None else "failed" if error in NEVER_SENT else "undelivered")

    def _step(self, message: Message, status: str) -> None:
        message.status = status
        if message.callback:
            form = {**self._told(message), "MessageStatus": status}
            self.courier.post(message.callback, form | ({"ErrorCode": str(message.error)} if message.error else {}))

    def _told(self, message: Message) -> dict[str, str]:
        """What every webhook says of a message."""
        told = {
            "MessageSid": message.sid, "SmsSid": message.sid, "SmsStatus": message.status, "AccountSid": self.sid,
            "From": message.sender, "To": message.to, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return told | ({"MessagingServiceSid": message.service} if message.service else {})

    def _is_quiet(self) -> bool:
        return bool(self.quiet_zone) and not 8 <= self._now().astimezone(ZoneInfo(self.quiet_zone)).hour < 21

    def _is_ours(self, request: Request) -> bool:
        pair = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        return secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Basic {pair}".encode())


def _outcomes(vendor: Twilio, codes: Any) -> None:
    for number, code in codes.items():
        vendor.outcomes[number] = int(code)


def _quiet_zone(vendor: Twilio, zone: Any) -> None:
    vendor.quiet_zone = ZoneInfo(zone).key if zone else ""


def _hold(vendor: Twilio, wanted: Any) -> None:
    vendor.courier.hold(bool(wanted))


def _incoming(vendor: Twilio, message: Any) -> None:
    vendor.webhook = message.get("webhook", vendor.webhook)
    vendor.receive(message["from"], message["body"])


_ORDERS: Final[Mapping[str, Callable[[Twilio, Any], None]]] = {
    "outcomes": _outcomes,
    "quiet_zone": _quiet_zone,
    "hold": _hold,
    "incoming": _incoming,
}
