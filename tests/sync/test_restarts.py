"""A sync that stopped halfway and goes on later: the sheet may be another one by then."""

import pytest
from django.utils import timezone

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from regions.models import PhoneUpdate
from regions.sync.retention import forget
from tests.fhir.world import ORDINARY, mobile
from tests.running import go_on
from tests.sync.world import MIXED, Place, refill, revoke_after, sync

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = [("WhatsApp", value, f"0812345678{n:02d}") for n, value in enumerate(ORDINARY[:6])]


@pytest.fixture
def stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that has done rows 2 and 3 of six, when its token was no longer taken."""
    monkeypatch.setattr("regions.sync.reading.BATCH", 2)
    refill(place, ROWS)
    allows = place.server.tokens.allows
    revoke_after(place.server, 2)
    run = sync(place.region)
    place.server.tokens.allows = allows  # type: ignore[method-assign]
    assert run.status == RunStatus.FAILED
    assert place.outcomes(run) == {2: "updated", 3: "updated"}
    return run


def numbers(place: Place) -> list[str]:
    return [mobile(patient) for value in ORDINARY[:6] for patient in place.carriers(value)]


def test_a_restart_goes_on_with_the_row_after_the_last_one_that_was_done(place: Place, stopped: Run) -> None:
    run = go_on(stopped)
    assert (run.status, len(place.outcomes(run))) == (RunStatus.COMPLETE, 6)
    assert numbers(place) == [f"+62812345678{n:02d}" for n in range(6)]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(ROWS[1:], id="a row deleted above"),
        pytest.param([MIXED[6][0], *ROWS], id="a row inserted above"),
        pytest.param(ROWS[::-1], id="sorted"),
        pytest.param(ROWS[:1], id="all later rows deleted"),
    ],
)
def test_where_rows_were_moved_meanwhile_it_is_to_begin_anew_and_leaves_none_out(
    place: Place, stopped: Run, meanwhile: list[tuple[str, ...]]
) -> None:
    """S1-06, X-09: a row's number says nothing any more, so that going on by it would leave rows out in silence."""
    refill(place, meanwhile)
    before = numbers(place)
    refused = go_on(stopped)
    assert (refused.status, refused.reason) == (RunStatus.FAILED, "configuration")
    assert refused.detail.startswith("Rows of the sheet were moved since the sync stopped after row 3")
    assert numbers(place) == before
    refill(place, ROWS[1:])
    assert sync(place.region).status == RunStatus.COMPLETE
    assert numbers(place) == [f"+62812345678{n:02d}" for n in range(6)]


@pytest.mark.parametrize("mode", ["write", "preview"])
def test_a_step_that_begins_anew_counts_each_row_and_each_change_once(place: Place, mode: str) -> None:
    """restart_run --from-step: what the first attempt has counted is undone; what it has written is still its own."""
    refill(place, [*ROWS[:3], ("", "3300000000009999", "081234567899")])
    run = sync(place.region, mode=mode)
    again = go_on(run, "sync")
    assert (again.status, again.detail) == (RunStatus.COMPLETE, "")
    assert place.outcomes(again) == {2: "updated", 3: "updated", 4: "updated", 5: "not_found"}
    first, second = run_report(run), run_report(again)
    figures = ("read", "outcomes", "failures")
    assert [second[name] for name in figures] == [first[name] for name in figures]
    assert PhoneUpdate.objects.filter(run__chain=run.chain).count() == 3
    assert len(place.server.store.written) == (3 if mode == "write" else 0)


def test_what_was_changed_since_is_no_longer_counted_by_a_step_that_begins_anew(place: Place) -> None:
    """The sheet has another number by then: the first change stays written, and is in no run's figures."""
    refill(place, ROWS[:1])
    run = sync(place.region)
    refill(place, [("WhatsApp", ORDINARY[0], "081234567899")])
    again = go_on(run, "sync")
    assert (again.status, again.detail) == (RunStatus.COMPLETE, "")
    assert list(PhoneUpdate.objects.order_by("pk").values_list("state", "counted")) == [
        ("written", False),
        ("written", True),
    ]


def test_a_sync_whose_rows_are_kept_no_more_is_to_begin_anew(place: Place, stopped: Run) -> None:
    forget(place.region, timezone.now())
    refused = go_on(stopped)
    assert (refused.status, refused.reason) == (RunStatus.FAILED, "configuration")
    assert "start it anew (--fresh)" in refused.detail


def test_a_number_that_was_corrected_meanwhile_does_not_hold_it_up(place: Place, stopped: Run) -> None:
    refill(place, [ROWS[0], ("WhatsApp", ORDINARY[1], "081234567899"), *ROWS[2:]])
    assert go_on(stopped).status == RunStatus.COMPLETE
