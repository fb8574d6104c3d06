"""A bad line to a FHIR server: what is between us and it in the field, as faults that can be asked for.

http429: refused, with Retry-After 0. html: a page of HTML with status 200 and nothing done. drop: hung up on before the
server hears of it; drop_after: after it has done it. no_total: searchsets without their total. bad_next: a searchset
gets a next link to another server. next_loop: to the very same page, for ever.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from backoffice.sandbox.faults import Faults, Occasion
from backoffice.sandbox.fhir import exact
from backoffice.sandbox.http import HOST, HttpServer, Reply, Request

KINDS: Final = ("http429", "html", "drop", "drop_after", "no_total", "bad_next", "next_loop")
PASSED_ON: Final = ("authorization", "content-type", "accept", "prefer", "if-match")
HTML: Final = b"<html><body>502 Bad Gateway</body></html>"


class Proxy:
    """Passes requests on to the server at `url`, whose own addresses in its answers become the proxy's."""

    def __init__(self, url: str, *, seed: int = 1) -> None:
        parts = urlsplit(url)
        self._server, self._path = f"{parts.scheme}://{parts.netloc}", parts.path
        self.faults = Faults(KINDS, seed=seed)
        self._http = HttpServer(self._answer)
        self._client = httpx2.Client(timeout=30, trust_env=False, follow_redirects=False)

    def __enter__(self) -> "Proxy":
        self._http.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.stop()
        self._client.close()

    @property
    def url(self) -> str:
        """FHIR_SERVER_URL."""
        return f"{self._origin}{self._path}"

    @property
    def _origin(self) -> str:
        return f"http://{HOST}:{self._http.port}"

    def _answer(self, request: Request) -> Reply | None:
        occasion = self.faults.occasion(request.body + request.path.encode())
        if occasion.fires("drop"):
            return None
        if occasion.fires("http429"):
            return Reply(429, b"", headers=(("Retry-After", "0"),))
        if occasion.fires("html"):
            return Reply(200, HTML, "text/html")
        answer = self.pass_on(request)
        if occasion.fires("drop_after"):
            return None
        body = answer.content.replace(self._server.encode(), self._origin.encode())
        kept = tuple((name, answer.headers[name]) for name in ("etag", "location") if name in answer.headers)
        return Reply(answer.status_code, self._spoilt(body, request, occasion), headers=kept)

    def pass_on(self, request: Request) -> httpx2.Response:
        """What the server answers."""
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        return self._client.request(
            request.method, self._server + request.path, content=request.body or None, headers=headers
        )

    def _spoilt(self, body: bytes, request: Request, occasion: Occasion) -> bytes:
        try:
            found = exact.read(body)
        except ValueError:
            return body
        for number, bundle in enumerate(_searchsets(found)):
            if occasion.fires("no_total", str(number)):
                bundle.pop("total", None)
            if occasion.fires("bad_next", str(number)):
                bundle["link"] = [{"relation": "next", "url": "http://localhost.example/fhir?page=2"}]
            if occasion.fires("next_loop", str(number)):
                bundle["link"] = [{"relation": "next", "url": f"{self.url}/Patient?_id=nobody"}]
        return exact.write(found)


def _searchsets(found: Any) -> list[dict[str, Any]]:
    """The searchset that it is, or those in its entries."""
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        return []
    if found.get("type") == "searchset":
        return [found]
    return [found_in for entry in found.get("entry", []) for found_in in _searchsets(entry.get("resource"))]
