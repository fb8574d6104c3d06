"""X-02, S1-04: Google's quota is waited for, by whoever shares the account, and never crashed on."""

import time
from contextlib import closing

import pytest
from redis import Redis

from backoffice.adapters.pace import PaceUnavailable
from backoffice.adapters.sheets import Patience, post_statuses
from backoffice.adapters.sheets.google import Quota
from backoffice.sandbox.sheets import Book, SheetsServer
from tests.sheets.conftest import Open
from tests.sheets.world import SHEET, many, rows_of, status


@pytest.mark.slow
def test_a_quota_that_is_used_up_is_waited_for(connect: Open, server: SheetsServer) -> None:
    server.book = Book({SHEET: many(60)})
    server.quota.limit, server.quota.seconds = 4, 1.0
    patience = Patience(first=0.2, longest=1.0, seconds=20)
    sheet = connect(patience=patience)
    rows = rows_of(sheet)
    for first in range(0, 60, 10):
        post_statuses(sheet, [status(row) for row in rows[first : first + 10]], patience)
    assert server.quota.refused > 0
    assert {row[6] for row in server.book.grid(SHEET).cells[1:]} == {"success"}


@pytest.mark.slow
def test_who_keeps_the_pace_is_never_refused(
    connect: Open, server: SheetsServer, queue: "Redis", queue_server: str
) -> None:
    """Two sheets of one account, at five reads and five writes a second together."""
    server.book = Book({SHEET: many(40)})
    server.quota.limit, server.quota.seconds = 6, 1.0
    started = time.monotonic()
    with closing(Quota(queue_server, "an-account", 300)) as one, closing(Quota(queue_server, "an-account", 300)) as two:
        sheets = [connect(quota=one), connect(quota=two)]
        for sheet in sheets:
            rows = rows_of(sheet)
            for first in range(0, 40, 10):
                post_statuses(sheet, [status(row) for row in rows[first : first + 10]])
    assert server.quota.refused == 0
    assert time.monotonic() - started > 11 / 5  # twelve reads, two of them at once


@pytest.mark.slow
def test_a_write_follows_the_reading_of_its_keys_without_a_wait(
    connect: Open, server: SheetsServer, queue: "Redis", queue_server: str
) -> None:
    """X-09: the turn to write is waited for before the keys are read."""
    moments: list[tuple[str, float]] = []
    count = server.traffic.count

    def count_and_note(field: str) -> None:
        moments.append((field, time.monotonic()))
        count(field)

    server.traffic.count = count_and_note  # type: ignore[method-assign]
    with closing(Quota(queue_server, "slow", 60)) as quota:
        sheet = connect(quota=quota)
        row = rows_of(sheet)[0]
        post_statuses(sheet, [status(row)])
        post_statuses(sheet, [status(row)])
    calls = [name for name, _ in moments if name != "token"]
    assert calls[2:] == ["values.batchGet", "values.batchUpdate"] * 2
    of_write = [moment for name, moment in moments if name == "values.batchUpdate"]
    of_read = [moment for name, moment in moments if name == "values.batchGet"][1:]
    assert max(write - read for read, write in zip(of_read, of_write, strict=True)) < 0.9
    assert of_write[1] - of_write[0] > 0.9


def test_accounts_have_quotas_of_their_own(queue: "Redis", queue_server: str) -> None:
    started = time.monotonic()
    with closing(Quota(queue_server, "a", 60)) as one, closing(Quota(queue_server, "b", 60)) as other:
        one.reads.wait()
        one.writes.wait()
        other.reads.wait()
    assert time.monotonic() - started < 0.5


def test_without_redis_it_says_so(connect: Open) -> None:
    with (
        closing(Quota("redis://127.0.0.1:1/0", "a", 60)) as quota,
        pytest.raises(PaceUnavailable, match="Redis does not answer"),
    ):
        rows_of(connect(quota=quota))
