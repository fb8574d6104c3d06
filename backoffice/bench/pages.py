"""Fills a worklist, or times its pages, in a process whose database that is: `fill ROWS` or `time REPEATS`.

Pages are asked of Django's test client: all of the middleware, the queries and the template, without a network, so that
the queries of the very same request can be counted. Prints one JSON object.
"""

import json
import os
import sys
import time
from typing import Any

import django

LOOKED_FOR = "A-000001"
# (page, user, query); p=200 is the deepest page that the list offers.
PAGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("first page", "all", {}),
    ("region and status", "all", {"region": "region-3", "status": "closed"}),
    ("deepest page", "all", {"p": "200"}),
    ("search by id", "all", {"status": "all", "q": LOOKED_FOR}),
    ("a rare category", "all", {"category": "lookup"}),
    ("first page, staff of two regions", "finance", {}),
    ("search by id, staff of two regions", "finance", {"status": "all", "q": LOOKED_FOR}),
)
OTHERS = (("fix once, recover many", "admin:recovery_groups"), ("dashboard", "admin:index"))


def main(what: str, number: str) -> dict[str, Any]:
    """Do what was asked for."""
    django.setup()
    started = time.perf_counter()
    if what == "fill":
        from backoffice.bench.rows import fill

        fill(int(number))
        return {"seconds": time.perf_counter() - started}
    return {"pages": timed(int(number))}


def timed(repeats: int) -> list[dict[str, Any]]:
    """Per page: name, queries, bytes, and the seconds of the first request and of each repeat; the pages in turn."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    worklist = reverse("admin:clinic_missingservice_changelist")
    asked = [(name, user, worklist, query) for name, user, query in PAGES]
    asked += [(name, "all", reverse(view), {}) for name, view in OTHERS]
    clients = {name: _signed_in(Client, name) for name in ("all", "finance")}
    pages: list[dict[str, Any]] = []
    for name, user, path, query in asked:
        started = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            size = _get(clients[user], path, query)
        first = time.perf_counter() - started
        pages.append({"name": name, "queries": len(captured), "bytes": size, "seconds": [], "first": first})
    for _ in range(repeats):
        for page, (_, user, path, query) in zip(pages, asked, strict=True):
            started = time.perf_counter()
            _get(clients[user], path, query)
            page["seconds"].append(time.perf_counter() - started)
    return pages


def _signed_in(make: Any, name: str) -> Any:
    from django.contrib.auth.models import User

    client = make(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _get(client: Any, path: str, query: dict[str, str]) -> int:
    response = client.get(path, query, secure=True)
    if response.status_code != 200:
        raise SystemExit(f"{path} answers {response.status_code}")
    return len(response.content)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    found = main(*sys.argv[1:])
    sys.stdout.write(json.dumps(found))
