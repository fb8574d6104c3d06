"""Section "worklist": how long the pages that finance lives in take, with few rows and with very many."""

import json
import sys
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from backoffice.bench.plan import Bench
from backoffice.bench.processes import environment, run
from backoffice.bench.tables import Section, Table, ratio

PAGES = (sys.executable, "-m", "backoffice.bench.pages")
AUDIT_ENTRIES = 10  # at most: one for each region that stands on a page, whichever those are
Timed = dict[str, dict[int, list[dict[str, Any]]]]


def measure(bench: Bench) -> Section:
    """Fill a small and a large worklist on each database, then time their pages in turn."""
    sizes = bench.sizes
    few, many = sizes.worklist_rows
    home = bench.folder / "worklist-home"
    filled: dict[str, float] = {}
    timed: dict[str, Timed] = {database.name: defaultdict(lambda: defaultdict(list)) for database in bench.databases}
    with ExitStack() as stack:
        urls = {}
        for database in bench.databases:
            for rows in (few, many):
                bench.say(f"worklist: filling {rows:,} rows on {database.name}")
                urls[database.name, rows] = stack.enter_context(database.fresh())
                filled[database.name] = _pages(home, urls[database.name, rows], "fill", rows)["seconds"]
        for turn in range(sizes.rounds):
            for (name, rows), url in urls.items():
                bench.say(f"worklist, round {turn + 1} of {sizes.rounds}: {rows:,} rows on {name}")
                for page in _pages(home, url, "time", sizes.page_repeats)["pages"]:
                    timed[name][page["name"]][rows].append(page)
    return Section(
        title="Pages of the admin",
        how=(
            f"The worklist with {many:,} rows, 40 % of them open, of ten regions, and the same with {few:,}. Times "
            f"are those of Django's test client in a fresh process, with all middleware, queries, template and audit "
            f"entries, without a network: medians of {sizes.rounds} times {sizes.page_repeats} requests, pages and "
            "sizes in turn. The first request of a process, which finds no cache filled, stands apart."
        ),
        blocks=[Table(columns=_columns(few, many), rows=_rows(timed, few, many), words=2)],
        faults=tuple(_more_queries(timed, few, many)),
    )


def _pages(home: Path, url: str, *arguments: object) -> dict[str, Any]:
    env = {**environment(home, url), "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    found: dict[str, Any] = json.loads(run(*PAGES, *map(str, arguments), env=env))
    return found


def _columns(few: int, many: int) -> tuple[str, ...]:
    return ("database", "page", "queries", "KiB", f"{few:,} rows: ms", f"{many:,} rows: ms", "ratio", "its first: ms")


def _rows(timed: dict[str, Timed], few: int, many: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for database, pages in timed.items():
        for name, by_rows in pages.items():
            times = {k: [seconds for page in several for seconds in page["seconds"]] for k, several in by_rows.items()}
            small, large = median(times[few]), median(times[many])
            last = by_rows[many][-1]
            figures = (
                f"{1000 * small:.1f}",
                f"{1000 * large:.1f}",
                ratio(large, small),
                f"{1000 * median(page['first'] for page in by_rows[many]):.1f}",
            )
            rows.append((database, name, str(last["queries"]), f"{last['bytes'] / 1024:.0f}", *figures))
    return rows


def _more_queries(timed: dict[str, Timed], few: int, many: int) -> list[str]:
    """The number of queries depends on the page, not on the number of rows."""
    return [
        f"{database}: {name} asks {page['queries']} queries with {many:,} rows"
        for database, pages in timed.items()
        for name, by_rows in pages.items()
        for page in by_rows[many]
        if page["queries"] > max(one["queries"] for one in by_rows[few]) + AUDIT_ENTRIES
    ]
