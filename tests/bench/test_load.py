"""Load on the API: real web processes, real bookings, and a database that is asked afterwards."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from backoffice.bench.arrivals import BY_HOUR, arrivals
from backoffice.bench.booked import Found, look, overlaps_of
from backoffice.bench.caller import Call, figures, percentile
from clinic.booking.book import book, cancel
from tests.bench.test_bench import number, rows_under
from tests.booking.world import FRONT_DESK, MONDAY, NOW, make_clinic
from tests.processes import Processes

NOON = datetime(2030, 3, 4, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)


@pytest.mark.slow
def test_the_quick_load_books_on_real_web_processes_and_loses_nothing(processes: Processes) -> None:
    """Load: throughput, percentiles and errors at 1 and 4 processes, and a day; no overlap, each 201 there once."""
    bench = processes.manage("bench", "load", "--quick", "--database", "sqlite", DATABASE_URL="")
    assert bench.ends(within=900) == 0, bench.output
    crowds, calls, days = rows_under("Booking and status under load", bench.output)
    assert [row[:2] for row in crowds] == [["SQLite", "1"], ["SQLite", "4"]]
    for row in crowds:
        assert number(row[2]) > 0
        assert 0 < number(row[4]) <= number(row[5]) <= number(row[6])
        assert row[9] == "0", bench.output
    assert {"look", "book", "hold", "confirm", "list", "run"} <= {row[1] for row in calls}
    ((_, processes_, bookings, *_, without, _, errors, overlaps, lost),) = days
    assert (processes_, bookings, without, errors, overlaps, lost) == ("4", "40", "0", "0", "0", "0")


def test_minutes_that_are_none_are_told_before_anything_is_measured() -> None:
    with pytest.raises(CommandError, match="'0' is not a number of minutes above 0"):
        call_command("bench", "soak", "--minutes", "0")


def test_visits_that_share_a_moment_of_one_resource_are_found() -> None:
    spans = [(1, NOON, NOON + HALF), (1, NOON + HALF, NOON + 2 * HALF), (2, NOON, NOON + HALF)]
    assert overlaps_of(spans) == 0
    assert overlaps_of([*spans, (1, NOON + HALF / 2, NOON + HALF)]) == 1
    assert overlaps_of([(1, NOON, NOON + 4 * HALF), (1, NOON, NOON + HALF), (1, NOON + 2 * HALF, NOON + 3 * HALF)]) == 2


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_the_database_is_compared_with_what_was_told() -> None:
    """One visit that was told of twice, one of which nobody heard, and one that is not there."""
    clinic = make_clinic()
    first, second = (book(clinic.wish(MONDAY + timedelta(hours=hour)), FRONT_DESK) for hour in (0, 1))
    found = look([first.pk, first.pk, second.pk + 1])
    assert found == Found(appointments=2, overlaps=0, missing=1, twice=1, untold=1)
    assert len(found.faults(lost=0)) == 3
    assert len(found.faults(lost=1)) == 2
    second.begins = first.begins
    second.save()
    assert look([first.pk, second.pk]).overlaps == 1
    cancel(second, FRONT_DESK, "the bus")
    assert look([first.pk, second.pk]) == Found(appointments=2, overlaps=0, missing=0, twice=0, untold=0)


def test_a_slot_that_is_taken_is_an_answer_and_counted_apart_from_errors() -> None:
    calls = [
        Call(kind="book", status=status, code=code, seconds=0.001 * place)
        for place, (status, code) in enumerate(
            [
                (201, ""),
                (409, "slot_taken"),
                (409, "patient_busy"),
                (503, "unavailable"),
                (0, "ReadTimeout"),
                (304, ""),
            ],
            start=1,
        )
    ]
    of = figures(calls)
    assert (of.calls, of.taken, of.refused, of.faults) == (6, 1, 1, Counter({"503": 1, "ReadTimeout": 1}))
    assert (of.p50, of.p99) == (pytest.approx(3), pytest.approx(6))


def test_a_percentile_is_a_value_that_so_many_do_not_pass() -> None:
    values = sorted(random.Random(1).sample(range(1000), 200))
    for share in (50, 95, 99):
        at = percentile(values, share)
        assert sum(value <= at for value in values) >= 2 * share
        assert sum(value < at for value in values) < 2 * share


def test_patients_come_as_the_day_goes_and_all_of_them_within_it() -> None:
    """Nine in ten between seven in the morning and nine in the evening; most of them before noon."""
    day = arrivals(10_000, 3600, seed=1)
    assert day == sorted(day)
    assert len(day) == 10_000
    assert 0 <= day[0] < day[-1] < 3600
    by_hour = Counter(int(24 * due / 3600) for due in day)
    assert by_hour.most_common(1)[0][0] == BY_HOUR.index(max(BY_HOUR))
    assert all(abs(by_hour[hour] / 10_000 - share / sum(BY_HOUR)) < 0.02 for hour, share in enumerate(BY_HOUR))
