"""pVerify's API: POST /API/EasyEligibilitySummary by client id and secret, /Token, and GET GetEligibilitySummary by it.

Errors come with HTTP 200 and APIResponseCode. Each inquiry that reaches a payer is billed: `billed` counts them.
Source: the request collection at postman.pverify.com. That Easy calls need no token and the polling call does, is
from there; what an unknown client gets is not documented, and is IIS's own 401 here.
"""

import hmac
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from backoffice.sandbox.control import COMMON, carry_out, state_of
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.http import Reply, Request
from backoffice.sandbox.peer import COMMON_KINDS, json_reply
from backoffice.sandbox.pverify import answers
from backoffice.sandbox.pverify.answers import Json
from backoffice.sandbox.traffic import Traffic

# Beside the common ones: what an inquiry is answered, and a token endpoint that fails.
KINDS: Final = (*COMMON_KINDS, "rejected", "no_funds", "pending", "token500")
EASY: Final = "/API/EasyEligibilitySummary"
POLL: Final = "/API/GetEligibilitySummary/"
TOKEN_SECONDS: Final = 3599


def pverify_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)


class PVerify:
    """One client's account. `funds`: how many inquiries it can pay, None for all; `pending_polls`: how many polls of a
    pending inquiry find it pending still; `plans`: fields of PlanCoverageSummary by memberID.
    """

    paths = ("/API/",)

    def __init__(self, *, client: str = "sandbox", secret: str, faults: Faults | None = None) -> None:
        self.client, self._secret = client, secret
        self.faults, self.traffic, self.latency_ms = faults or pverify_faults(), Traffic(), 0.0
        self.funds: int | None = None
        self.pending_polls = 2
        self.plans: dict[str, dict[str, Any]] = {}
        self.billed = 0
        self.inquiries: list[Json] = []
        self._asked: dict[int, Json] = {}
        self._polls_left: dict[int, int] = {}
        self._good_until: dict[str, float] = {}
        self._numbers = itertools.count(900_001)
        self._lock = threading.Lock()

    def answer(self, request: Request, occasion: Occasion) -> Reply:
        if request.path == "/Token" and request.method == "POST":
            return self._grant(request, occasion)
        if request.path == EASY and request.method == "POST":
            return self._inquire(request, occasion)
        if request.path.startswith(POLL) and request.method == "GET":
            return self._poll(request)
        return json_reply(404, {"Message": "No HTTP resource was found that matches the request URI."})

    def problem(self, status: int) -> Reply:
        return json_reply(status, {"Message": "An error has occurred."})

    def control(self, orders: Any) -> Json:
        carry_out(self, orders, {**COMMON, **_ORDERS})
        listed = "inquiries" in orders.get("list", [])
        return {
            **state_of(self),
            "billed": self.billed,
            "funds": self.funds,
            "inquiries": list(self.inquiries) if listed else len(self.inquiries),
        }

    def close(self) -> None:
        """Nothing goes on."""

    def _inquire(self, request: Request, occasion: Occasion) -> Reply:
        if not self._is_client(request):
            return _denied()
        try:
            inquiry = json.loads(request.body)
        except ValueError:
            inquiry = None
        if not isinstance(inquiry, dict):
            return json_reply(400, {"Message": "The request is invalid."})
        with self._lock:
            self.traffic.count("inquiry")
            self.inquiries.append(inquiry)
            return json_reply(200, self._answered(next(self._numbers), inquiry, occasion))

    def _answered(self, number: int, inquiry: Json, occasion: Occasion) -> Json:
        if wrong := answers.missing_of(inquiry):
            return answers.envelope(number, answers.REJECTED, wrong, inquiry)
        if self.funds == 0 or occasion.fires("no_funds"):
            return answers.envelope(0, answers.NO_FUNDS, "Insufficient funds.", inquiry)
        self.billed += 1
        if self.funds:
            self.funds -= 1
        self._asked[number] = inquiry
        member = str(inquiry.get("memberID", ""))
        if member.startswith("REJECTED") or occasion.fires("rejected"):
            return answers.rejected(number, inquiry)
        if member.startswith("PENDING") or occasion.fires("pending"):
            self._polls_left[number] = self.pending_polls
            return self._pending(number)
        return self._coverage(number)

    def _poll(self, request: Request) -> Reply:
        if not self._has_token(request):
            return _denied()
        text = request.path.removeprefix(POLL)
        number = int(text) if text.isascii() and text.isdigit() else 0
        with self._lock:
            self.traffic.count("poll")
            if number not in self._asked:
                return json_reply(200, answers.envelope(number, answers.REJECTED, "Invalid request id.", {}))
            left = self._polls_left.get(number, 0)
            self._polls_left[number] = max(0, left - 1)
            return json_reply(200, self._pending(number) if left else self._coverage(number))

    def _pending(self, number: int) -> Json:
        return answers.envelope(number, answers.PENDING, "Transaction is in process.", self._asked[number])

    def _coverage(self, number: int) -> Json:
        inquiry = self._asked[number]
        return answers.processed(number, inquiry, self.plans.get(str(inquiry.get("memberID")), {}))

    def _grant(self, request: Request, occasion: Occasion) -> Reply:
        self.traffic.count("token")
        if occasion.fires("token500"):
            return self.problem(500)
        form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        form = {name.lower(): value for name, value in form.items()}  # both spellings stand in pVerify's pages
        if form.get("grant_type") != "client_credentials":
            return json_reply(400, {"error": "unsupported_grant_type"})
        if not self._fits(form.get("client_id", ""), form.get("client_secret", "")):
            return json_reply(400, {"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._good_until[token] = time.monotonic() + TOKEN_SECONDS
        return json_reply(200, {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS})

    def _is_client(self, request: Request) -> bool:
        return self._fits(request.headers.get("client-api-id", ""), request.headers.get("client-secret", ""))

    def _fits(self, client: str, secret: str) -> bool:
        return client == self.client and hmac.compare_digest(secret.encode(), self._secret.encode())

    def _has_token(self, request: Request) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = request.headers.get("client-api-id") == self.client
        return known and time.monotonic() < self._good_until.get(token, 0.0)

    def revoke(self) -> None:
        """No token that was given is good any more."""
        self._good_until.clear()


def _denied() -> Reply:
    return json_reply(401, {"Message": "Authorization has been denied for this request."})


def _funds(vendor: PVerify, number: Any) -> None:
    vendor.funds = None if number is None else max(0, int(number))


def _pending_polls(vendor: PVerify, number: Any) -> None:
    vendor.pending_polls = max(0, int(number))


def _plans(vendor: PVerify, plans: Any) -> None:
    for member, plan in plans.items():
        vendor.plans[member] = dict(plan)


def _revoke(vendor: PVerify, wanted: Any) -> None:
    if wanted:
        vendor.revoke()


_ORDERS: Final[Mapping[str, Callable[[PVerify, Any], None]]] = {
    "funds": _funds,
    "pending_polls": _pending_polls,
    "plans": _plans,
    "revoke": _revoke,
}
