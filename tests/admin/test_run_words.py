"""What the page of a run says in words: how long it has been at it, its parameters, its windows, a preview's rows."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from backoffice.runs.job import Json
from backoffice.runs.models import Failure, Run, StepPart
from backoffice.runs.registry import job_named
from backoffice.runs.words import parameters_said
from clinic.jobs import in_words
from clinic.models import RecoveryWindow, ServiceWrite
from tests.admin.conftest import SignIn, World, make_row, make_run, text_of


def page_of(run: Run) -> str:
    return f"/admin/runs/run/{run.pk}/change/"


def nothing_read(run: Run, status: str = "running") -> None:
    """The run is live, and its first chunk is being worked."""
    began = timezone.now() - timedelta(seconds=42)
    Run.objects.filter(pk=run.pk).update(status=status, started_at=began, ended_at=None)
    beat = timezone.now() - timedelta(seconds=7)
    StepPart.objects.filter(run=run).update(
        status="running", heartbeat_at=beat, read=0, outcomes={}, totals={}, seconds=0, done=0, of=0
    )


def test_a_run_that_was_asked_for_what_is_not_there_is_not_said_to_go_on(sign_in: SignIn, north: World) -> None:
    Run.objects.filter(pk=north.run.pk).update(status="failed", reason="wrong_use", detail="Its last row is 18.")
    page = text_of(sign_in("operator"), page_of(north.run))
    assert "Its last row is 18." in page
    assert "Start another run with what is said here" in page
    assert "it goes on where it was" not in page


@pytest.mark.parametrize("status", ["running", "stopping"])
def test_before_the_first_commit_the_page_says_that_time_passes(sign_in: SignIn, north: World, status: str) -> None:
    nothing_read(north.run, status)
    page = text_of(sign_in("operator"), page_of(north.run))
    assert re.search(r">4\d s</strong> since the start", page)
    assert re.search(r">1?\d s</span> ago", page)
    assert "The first chunk is being worked" in page
    assert "0 %" not in page
    assert " of work</span>" not in page
    assert '<progress id="run-progress" max="1"  aria-label' in page  # of no known share


def test_what_ticks_is_no_reason_to_send_the_live_part_again(sign_in: SignIn, north: World) -> None:
    nothing_read(north.run)
    Run.objects.update(started_at=datetime(2026, 3, 1, tzinfo=UTC))
    live = text_of(sign_in("operator"), f"/admin/runs/run/{north.run.pk}/live/")
    assert '<strong data-since="1772323200"></strong> since the start' in live


def test_a_run_that_waits_says_how_long_it_has(sign_in: SignIn, north: World) -> None:
    asked = timezone.now() - timedelta(minutes=3)
    Run.objects.filter(pk=north.run.pk).update(status="queued", created_at=asked, started_at=None, ended_at=None)
    page = text_of(sign_in("operator"), page_of(north.run))
    assert re.search(r">3 min \d s</strong> in the queue", page)
    assert "heartbeat" not in page


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ({"blocked_by": "cost_center:D1"}, "those held up by one record: No active cost center for department D1"),
        ({"rows": [1, 2, 3]}, "3 rows of the worklist"),
        ({"failures_of": 12}, "those that failed in run 12"),
    ],
)
def test_single_appointments_are_said_in_words(only: Json, words: str) -> None:
    assert in_words({"only": only, "mode": "write", "chunk": 200}) == {
        "Appointments": words, "Chunk": "200 appointments", "What it does": "Writes what is missing",
    }  # fmt: skip


def test_a_range_is_said_in_words(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in("viewer"), page_of(north.run))
    assert "<dd>from 2026-03-01 to 2026-04-01 (not included)</dd>" in page
    assert "<dd>7 days</dd>" in page


def test_a_job_without_words_of_its_own_shows_no_code_either(north: World) -> None:
    class Plain:
        in_words: Any = None

    north.run.parameters = {"run_date": "2026-03-01", "only": {"plans": [1, 2]}, "many": list(range(9))}
    assert parameters_said(Plain(), north.run) == {  # type: ignore[arg-type]
        "Run date": "2026-03-01", "Only": "plans: 1, 2", "Many": "9 items",
    }  # fmt: skip
    assert job_named(north.run.job).in_words is not None


def test_windows_say_both_their_days_and_what_their_edges_mean(sign_in: SignIn, north: World) -> None:
    RecoveryWindow.objects.create(
        chain=north.run.chain, number=1, complete=True,
        begins=datetime(2026, 3, 8, 6, tzinfo=UTC), ends=datetime(2026, 3, 9, 5, tzinfo=UTC),
    )  # fmt: skip
    page = text_of(sign_in("viewer"), page_of(north.run))
    assert "<strong>2026-03-01 to 2026-03-07</strong>" in page
    assert "<strong>2026-03-08</strong>" in page
    assert "read, something failed</li>" in page


def test_a_preview_says_which_of_its_rows_were_in_the_worklist_already(sign_in: SignIn, north: World) -> None:
    preview = make_run(north.region, key="north:preview", parameters={**north.run.parameters, "mode": "preview"})
    make_row(north.run, appointment_id="A-mended")
    failed = {"run": preview, "step": "recover", "category": "master_data", "reason": "x", "phase": "prepare"}
    for reference in (north.row.appointment_id, "A-nowhere"):
        Failure.objects.create(reference=reference, **failed)
    ServiceWrite.objects.create(
        region=north.region, run=preview, appointment_id="A-mended", start=north.row.start, idempotency_key="k",
        state="previewed", services=[], outcome="recovered", value=0,
    )  # fmt: skip
    page = text_of(sign_in("viewer"), page_of(preview))
    assert "<dd>already in the worklist: 2 rows</dd>" in page
    assert "no row" not in page
    assert "already in the worklist" not in text_of(sign_in("viewer"), page_of(north.run))
