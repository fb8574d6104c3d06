"""FCM's HTTP v1 API: POST /v1/projects/{project}/messages:send with a service account's bearer token.

Sources: "FCM Error Codes", "REST Resource: projects.messages" and "google.firebase.fcm.v1.ErrorCode". A registration
token that begins with UNREGISTERED, INVALID or OTHER_SENDER is one.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.control import COMMON, carry_out, state_of
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.http import Reply, Request
from backoffice.sandbox.peer import COMMON_KINDS, Json, json_reply
from backoffice.sandbox.sheets.tokens import NoGrant, Tokens
from backoffice.sandbox.traffic import Traffic

KINDS: Final = (*COMMON_KINDS, "token500")
PROJECT: Final = "nightward-sandbox"
ACCOUNT: Final = "push@nightward-sandbox.iam.gserviceaccount.com"
SCOPES: Final = frozenset(
    {"https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"}
)
LARGEST: Final = 4096
RESERVED: Final = ("google", "gcm")
STATUSES: Final = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
FCM_CODES: Final = {429: "QUOTA_EXCEEDED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def fcm_faults(*, seed: int = 0, slow_seconds: float = 60.0, retry_after: int = 1) -> Faults:
    """None yet."""
    return Faults(KINDS, seed=seed, slow_seconds=slow_seconds, retry_after=retry_after)


class Fcm:
    """One project. `messages` are those that were taken, `unregistered` the tokens of apps that are gone."""

    paths = ("/v1/",)

    def __init__(self, *, faults: Faults | None = None) -> None:
        self.faults, self.traffic, self.latency_ms = faults or fcm_faults(), Traffic(), 0.0
        self.tokens = Tokens(scopes=SCOPES)
        self.unregistered: set[str] = set()
        self.messages: list[Json] = []
        self._token_uri = ""

    def make_key_file(self, path: Path, url: str) -> Path:
        """Write the key file of a service account that may send; `url` is where this is served."""
        self._token_uri = f"{url}/token"
        return self.tokens.make_key_file(path, ACCOUNT, self._token_uri)

    def answer(self, request: Request, occasion: Occasion) -> Reply:
        if request.path == "/token" and request.method == "POST":
            return self._grant(request, occasion)
        project = request.path.removeprefix("/v1/projects/").removesuffix("/messages:send")
        if request.method != "POST" or request.path != f"/v1/projects/{project}/messages:send":
            return _error(404, "Requested entity was not found.")
        if self.tokens.account(request.headers.get("authorization", "")) is None:
            return _error(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        if project != PROJECT:
            return _error(403, "Permission 'cloudmessaging.messages.create' denied on resource.")
        return self._send(request.body)

    def problem(self, status: int) -> Reply:
        return _error(status, "The service is currently unavailable.", _fcm(FCM_CODES[status]))

    def control(self, orders: Any) -> Json:
        carry_out(self, orders, {**COMMON, **_ORDERS})
        listed = "messages" in orders.get("list", [])
        return {
            **state_of(self),
            "tokens_issued": self.tokens.issued,
            "messages": list(self.messages) if listed else len(self.messages),
        }

    def close(self) -> None:
        """Nothing goes on."""

    def _send(self, body: bytes) -> Reply:
        self.traffic.count("send")
        try:
            message = json.loads(body)["message"]
            token, data = message.get("token"), message.get("data", {})
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(
                400, "Invalid JSON payload received.", _violation("message", "Invalid JSON payload received.")
            )
        refusal = _refused(message, data) or self._refused_device(token or "")
        if refusal is not None:
            return refusal
        self.messages.append(message)
        name = f"projects/{PROJECT}/messages/0:{time.time_ns() // 1000}%{secrets.token_hex(8)}"
        return json_reply(200, {"name": name})

    def _refused_device(self, token: str) -> Reply | None:
        if token.startswith("INVALID"):
            text = "The registration token is not a valid FCM registration token"
            return _error(400, text, _fcm("INVALID_ARGUMENT"))
        if token.startswith("UNREGISTERED") or token in self.unregistered:
            return _error(404, "Requested entity was not found.", _fcm("UNREGISTERED"))
        if token.startswith("OTHER_SENDER"):
            return _error(403, "SenderId mismatch", _fcm("SENDER_ID_MISMATCH"))
        return None

    def _grant(self, request: Request, occasion: Occasion) -> Reply:
        self.traffic.count("token")
        if occasion.fires("token500"):
            return _error(500, "Internal error encountered.")
        try:
            return json_reply(200, self.tokens.grant(request.body, self._token_uri))
        except NoGrant as error:
            return json_reply(400, {"error": "invalid_grant", "error_description": str(error)})


def _refused(message: Json, data: Any) -> Reply | None:
    """What is wrong with the message, whoever it is for."""
    if wrong := _wrong_of(data):
        return _error(400, wrong[1], _violation(*wrong))
    if not message.get("token"):
        return _error(400, "Recipient of the message is not set.", _fcm("INVALID_ARGUMENT"))
    if len(json.dumps(message.get("notification", {}) | data).encode()) > LARGEST:
        return _error(400, "Android message is too big", _fcm("INVALID_ARGUMENT"))
    return None


def _wrong_of(data: Any) -> tuple[str, str] | None:
    """(field, what is wrong with it) of the message's data."""
    if not isinstance(data, dict):
        return "message.data", "Invalid value at 'message.data'"
    for number, (key, value) in enumerate(data.items()):
        if not isinstance(value, str):
            return f"message.data[{number}].value", f"Invalid value at 'message.data[{number}].value' (TYPE_STRING)"
        if key == "from" or key.startswith(RESERVED):
            return f"message.data[{number}].key", f"Invalid data payload key: {key}"
    return None


def _fcm(code: str) -> Json:
    return {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}


def _violation(field: str, description: str) -> Json:
    violations = [{"field": field, "description": description}]
    return {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}


def _error(status: int, message: str, *details: Json) -> Reply:
    error: Json = {"code": status, "message": message, "status": STATUSES[status]}
    return json_reply(status, {"error": error | ({"details": list(details)} if details else {})})


def _unregistered(vendor: Fcm, tokens: Any) -> None:
    vendor.unregistered.update(tokens)


def _revoke(vendor: Fcm, wanted: Any) -> None:
    if wanted:
        vendor.tokens.revoke()


_ORDERS: Final[Mapping[str, Callable[[Fcm, Any], None]]] = {"unregistered": _unregistered, "revoke": _revoke}
