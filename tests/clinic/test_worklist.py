"""What people do with the worklist, what is recorded of it, and how it is grouped and ordered."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure, Run
from clinic.admin.stakes import stakes
from clinic.models import MissingService
from clinic.urgency import is_near, priority_of
from clinic.worklist import assign, dismiss, groups, renew_priorities, reopen
from regions.models import Region
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(filing_days=100, collection_percent=Decimal(80))


@pytest.fixture
def run(region: Region) -> Run:
    return Run.objects.create(job="recover_services", key=region.name, region=region)


def row(
    run: Run, appointment: str, at_stake: str | None = "100.00", days_left: int = 50, **other: Any
) -> MissingService:
    assert run.region is not None
    today = datetime.now(run.region.zone).date()
    values = {
        "region": run.region,
        "appointment_id": appointment,
        "start": timezone.now(),
        "status": "open",
        "outcome": "failed",
        "at_stake": None if at_stake is None else Decimal(at_stake),
        "filing_deadline": today + timedelta(days=days_left),
        "run": run,
    } | other
    Failure.objects.create(run=run, step="recover", reference=appointment, category="validation", reason="CASE_CLOSED")
    return MissingService.objects.create(**values)


def all_rows(run: Run) -> Any:
    return MissingService.objects.filter(region=run.region)


def test_a_dismissal_keeps_who_why_and_until_when_and_dismisses_the_failures_as_well(run: Run) -> None:
    user, until = UserFactory.create(), timezone.localdate() + timedelta(days=9)
    row(run, "a")
    assert dismiss(all_rows(run), user, " not worth it ", until) == 1
    found = all_rows(run).get()
    assert (found.status, found.dismissed_reason, found.dismissed_until) == ("dismissed", "not worth it", until)
    assert (found.dismissed_by, Failure.objects.get().resolution) == (user, "dismissed")
    assert Failure.objects.get().resolved_by == user


def test_a_dismissal_needs_a_reason_and_an_end_that_is_not_past(run: Run) -> None:
    row(run, "a")
    with pytest.raises(Misuse, match="reason"):
        dismiss(all_rows(run), None, "  ")
    with pytest.raises(Misuse, match="past"):
        dismiss(all_rows(run), None, "because", timezone.localdate() - timedelta(days=1))
    assert all_rows(run).get().status == "open"


def test_reopening_takes_a_dismissal_back_and_closed_rows_stay_closed(run: Run) -> None:
    row(run, "a")
    row(run, "b", status="closed")
    dismiss(all_rows(run), None, "because")
    assert reopen(all_rows(run), None) == 1
    assert set(all_rows(run).values_list("status", "dismissed_reason")) == {("open", ""), ("closed", "")}
    assert {failure.resolution for failure in Failure.objects.all()} == {"open"}


def test_one_row_can_be_given_as_it_is(run: Run) -> None:
    only = row(run, "a")
    row(run, "b")
    assert dismiss(only, None, "because") == 1
    assert all_rows(run).get(appointment_id="b").status == "open"


def test_assigning_makes_the_user_or_somebody_else_responsible(run: Run) -> None:
    me, other = UserFactory.create(), UserFactory.create()
    row(run, "a")
    assign(all_rows(run), me)
    assert all_rows(run).get().assignee == me
    assign(all_rows(run), me, other)
    assert all_rows(run).get().assignee == other


def test_every_change_of_every_row_stands_in_the_audit_log_with_its_user(run: Run) -> None:
    user = UserFactory.create()
    for appointment in ("a", "b"):
        row(run, appointment)
    before = set(LogEntry.objects.values_list("pk", flat=True))
    dismiss(all_rows(run), user, "because")
    entries = LogEntry.objects.exclude(pk__in=before)
    assert entries.count() == 2
    assert {entry.actor for entry in entries} == {user}
    assert all(entry.changes["status"] == ["open", "dismissed"] for entry in entries)


@pytest.mark.parametrize(
    ("at_stake", "days_left", "priority"),
    [
        ("100.00", 50, "200.00"),
        ("100.00", 0, "10000.00"),
        ("100.00", 1, "10000.00"),
        ("100.00", -1, "0"),
        (None, 5, "0"),
    ],
)
def test_priority_is_money_times_urgency_and_nothing_after_the_deadline(
    run: Run, region: Region, at_stake: str | None, days_left: int, priority: str
) -> None:
    made = row(run, "a", at_stake, days_left, priority=Decimal(77))
    renew_priorities(region)
    made.refresh_from_db()
    assert made.priority == Decimal(priority)
    today = made.filing_deadline - timedelta(days=days_left)
    assert priority_of(made.at_stake, made.filing_deadline, today, region.filing_days) == Decimal(priority)


def test_a_priority_is_not_cut_to_whole_numbers(run: Run, region: Region) -> None:
    made = row(run, "a", "1.00", 30)
    renew_priorities(region)
    made.refresh_from_db()
    assert made.priority == Decimal("3.33")


def test_a_deadline_is_near_once_80_percent_of_the_time_has_passed() -> None:
    today = date(2026, 11, 22)
    assert is_near(today + timedelta(days=20), today, 100)
    assert not is_near(today + timedelta(days=21), today, 100)


def test_rows_are_grouped_by_the_record_that_holds_them_up_most_money_first(run: Run, region: Region) -> None:
    row(run, "a", "100.00", blocked_by="cost_center:D")
    row(run, "b", None, blocked_by="cost_center:D", status="found")
    row(run, "c", "500.00", blocked_by="block:E1")
    row(run, "d", "900.00", blocked_by="block:E1", status="closed")
    row(run, "e", "900.00")
    row(Run.objects.create(job="recover_services", key="x", region=RegionFactory.create()), "f", blocked_by="block:E1")
    found = groups([region])
    assert [(one.blocked_by, one.appointments, one.at_stake, one.unknown) for one in found] == [
        ("block:E1", 1, Decimal("500.00"), 0),
        ("cost_center:D", 2, Decimal("100.00"), 1),
    ]
    assert found[1].title == "No active cost center for department D"


def test_what_is_at_stake_net_leaves_out_the_overdue_and_what_is_not_collected(run: Run, region: Region) -> None:
    row(run, "a", "100.00", 10)
    row(run, "b", "50.00", -1)
    row(run, "c", None)
    row(run, "d", "70.00", status="dismissed")
    found = stakes([region])
    assert (found.rows, found.gross, found.overdue, found.net, found.unknown) == (3, 150, 50, 80, 1)
