"""A whole Sheets service behind a socket: /v4/spreadsheets, the token endpoint at /token, and /control."""

import hmac
import json
import secrets
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox.control import BadControl
from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.http import HOST, Reply, Request
from backoffice.sandbox.listening import HttpListening
from backoffice.sandbox.sheets.api import Call, Json, call_of, problem
from backoffice.sandbox.sheets.book import Book
from backoffice.sandbox.sheets.control import control, move
from backoffice.sandbox.sheets.faults import sheets_faults
from backoffice.sandbox.sheets.quota import Quota
from backoffice.sandbox.sheets.tokens import NoGrant, Tokens
from backoffice.sandbox.traffic import Traffic

ACCOUNT: Final = "nightward@nightward-sandbox.iam.gserviceaccount.com"
HTML: Final = b"<html><title>Error 502 (Server Error)!!1</title></html>"


class SheetsServer(HttpListening):
    """Serves one `book` as the spreadsheet `spreadsheet` on 127.0.0.1.

    Accounts get in by a key file of make_key_file; `token` is for /control. start() raises OSError for a taken port.
    """

    def __init__(
        self,
        book: Book,
        *,
        spreadsheet: str = "sandbox-sheet",
        token: str = "",
        port: int = 0,
        quota: Quota | None = None,
        faults: Faults | None = None,
        latency_ms: float = 0.0,
    ) -> None:
        super().__init__(self._answer, port)
        self.book, self.spreadsheet = book, spreadsheet
        self.token = token or secrets.token_urlsafe(18)
        self.quota, self.faults = quota or Quota(), faults or sheets_faults()
        self.tokens, self.traffic = Tokens(), Traffic()
        self.latency_ms, self.shared = latency_ms, True
        self.journal: list[Json] = []
        self.after: dict[str, Json] = {}

    @property
    def calls(self) -> Counter[str]:
        """Calls that were carried out, by the API's name for them."""
        return self.traffic.calls

    def make_key_file(self, path: Path, account: str = ACCOUNT) -> Path:
        """Write the key file of a service account that may log in here; after start()."""
        return self.tokens.make_key_file(path, account, f"{self.url}/token")

    def _answer(self, request: Request) -> Reply | None:
        path = request.path.partition("?")[0]
        if path == "/token" and request.method == "POST":
            return self._grant(request)
        if path == "/control" and request.method == "POST":
            return self._control(request)
        with self.traffic.request():
            if self.latency_ms:
                time.sleep(self.latency_ms / 1000)
            call = call_of(request)
            return self._call(request, call) if call else _json(404, problem(404, "Requested entity was not found."))

    def _grant(self, request: Request) -> Reply:
        self.traffic.count("token")
        if self.faults.occasion(request.body).fires("token500"):
            return Reply(500, HTML, "text/html")
        try:
            return _json(200, self.tokens.grant(request.body, f"{self.url}/token"))
        except NoGrant as error:
            return _json(400, {"error": "invalid_grant", "error_description": str(error)})

    def _control(self, request: Request) -> Reply:
        sent = request.headers.get("authorization", "")
        if request.client != HOST or not hmac.compare_digest(sent.encode(), f"Bearer {self.token}".encode()):
            return _json(401, problem(401, "unknown token"))
        try:
            return _json(200, control(self, json.loads(request.body or b"{}")))
        except (BadControl, ValueError) as error:
            return _json(400, problem(400, str(error)))

    def _call(self, request: Request, call: Call) -> Reply | None:
        if (refused := self._refused(request, call)) is not None:
            return refused
        occasion = self.faults.occasion(request.path.encode() + request.body)
        if occasion.fires("drop") or (occasion.fires("slow") and self._stopping.wait(self.faults.slow_seconds)):
            return None
        return self._spoiled(occasion, call) or self._carried_out(call, occasion)

    def _refused(self, request: Request, call: Call) -> Reply | None:
        account = self.tokens.account(request.headers.get("authorization", ""))
        if account is None:
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            return _json(401, problem(401, message, "ACCESS_TOKEN_EXPIRED"))
        if not self.quota.takes(call.quota, account):
            return _json(429, self.quota.problem(call.quota))
        if call.spreadsheet != self.spreadsheet:
            return _json(404, problem(404, "Requested entity was not found."))
        return None if self.shared else _json(403, problem(403, "The caller does not have permission"))

    def _spoiled(self, occasion: Occasion, call: Call) -> Reply | None:
        """What is answered instead, if anything."""
        if occasion.fires("http429"):
            return _json(429, self.quota.problem(call.quota), ("Retry-After", str(self.faults.retry_after)))
        for status in (500, 503):
            if occasion.fires(f"http{status}"):
                return _json(status, problem(status, "Internal error encountered."))
        if call.quota == "Write" and occasion.fires("write500"):
            return _json(500, problem(500, "Internal error encountered."))
        if occasion.fires("forbidden"):
            return _json(403, problem(403, "Google Sheets API has not been used in project", "SERVICE_DISABLED"))
        return Reply(200, HTML, "text/html") if occasion.fires("html") else None

    def _carried_out(self, call: Call, occasion: Occasion) -> Reply | None:
        with self.book.lock:
            try:
                answer = call.carry_out(self.book)
            except ValueError as error:
                return _json(400, problem(400, str(error)))
            self.traffic.count(call.name)
            self.journal.append(_entry(call, answer))
            move(self.book, self.after.pop(call.name, {}))
        if call.quota == "Write" and occasion.fires("drop_after_write"):
            return None
        return _json(200, answer)


def _entry(call: Call, answer: Json) -> Json:
    """What a call was about, without what stands in the cells."""
    ranges: list[Any] = [answer, *answer.get("valueRanges", ()), *answer.get("responses", ())]
    named = [one.get("range") or one.get("updatedRange") for one in ranges]
    return {"call": call.name, "ranges": [name for name in named if name], "cells": answer.get("totalUpdatedCells", 0)}


def _json(status: int, body: Json, *headers: tuple[str, str]) -> Reply:
    return Reply(status, json.dumps(body, separators=(",", ":")).encode(), headers=headers)
