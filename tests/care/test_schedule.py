"""The schedule: what ran when, the silence alarm, and what clean_up leaves (contract S3-01, S3-18, S3-22)."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils import timezone

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert, Failure
from backoffice.runs.registry import JOBS, job_named
from clinic.booking.book import book, hold
from clinic.booking.models import Appointment, Hold, KeptAnswer
from clinic.care.models import CommandState, StateCheck
from clinic.care.schedule.noting import note_command
from clinic.care.schedule.registry import schedule
from clinic.care.schedule.standing import standings
from clinic.events.models import Outbox
from tests.admin.conftest import SignIn, World, make_run, north, sign_in, south, text_of
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, NOW, Clinic, make_clinic
from tests.factories import ApiTokenFactory, RegionFactory
from tests.processes import Processes

__all__ = ["north", "sign_in", "south"]
pytestmark = pytest.mark.django_db
PAGE = "/admin/care/commandstate/"
TRACK = "track_appointment_states"


@pytest.fixture
def clinic(db: None) -> Clinic:
    """One appointment, on Monday; booked on Sunday."""
    with time_machine.travel(NOW, tick=False):
        clinic = make_clinic(RegionFactory.create(name="clinic", display_name="Clinic"))
        book(clinic.wish(MONDAY), FRONT_DESK)
    return clinic


def silent() -> set[str]:
    check_alerts()
    return set(Alert.objects.standing().filter(kind="silence").values_list("key", flat=True))


def ran(*arguments: str, status: int = 0) -> None:
    note_command(arguments, status, timezone.now())


def test_queues_are_served_in_the_order_of_the_contract() -> None:
    """[S3-01]"""
    assert django_settings.QUEUE_ORDER == (
        "processors", "eligibility", "notifications", "uploads", "intakes", "states", "mailers", "default", "low",
    )  # fmt: skip


def test_a_command_that_does_not_run_raises_the_alarm_and_one_that_runs_again_clears_it(clinic: Clinic) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        Outbox.objects.update(published_at=NOW)
        assert silent() == set()
        clock.shift(timedelta(minutes=34))
        assert silent() == set()
        clock.shift(timedelta(minutes=2))
        assert silent() == {f"{TRACK}/clinic"}
        ran(TRACK, "--region", "clinic")
        assert silent() == set()
        clock.shift(timedelta(minutes=36))
        assert silent() == {f"{TRACK}/clinic"}
        ran(TRACK, "--region=clinic", status=1)
        assert silent() == {f"{TRACK}/clinic"}
        ran(TRACK, "--region=clinic", status=75)  # a run is live
        assert silent() == set()
    alert = Alert.objects.filter(kind="silence").latest("pk")
    assert alert.message.startswith(f"{TRACK} for Clinic has not run since 2026-03-01")


@pytest.mark.django_db(transaction=True)
def test_a_command_that_ends_by_a_fault_that_nobody_foresaw_is_known_to_have_failed(processes: Processes) -> None:
    """Its last status stayed 0 on the page."""
    fault = "import manage, sys; from django.core import management as m; m.execute_from_command_line = lambda argv: "
    broken = f"{fault}(__import__('django').setup(), 1 / 0); sys.argv = ['manage.py', 'clean_up']; manage.main()"
    assert processes.start(sys.executable, "-c", broken).ends(within=60) == 1
    row = CommandState.objects.get(command="clean_up")
    assert (row.status, row.ended_at) == (1, None)
    assert row.failed_at is not None


def test_a_region_without_appointments_expects_nothing_and_a_paused_one_neither(clinic: Clinic) -> None:
    RegionFactory.create()
    assert {each.region for each in standings()} == {clinic.region}
    type(clinic.region).objects.update(paused=True)
    assert list(standings()) == []


def test_who_ran_without_a_region_ran_for_each(clinic: Clinic) -> None:
    ran("clean_up")
    ran("clean_up", "--region", "nowhere")
    ran("migrate")
    (standing,) = [each for each in standings() if each.entry.command == "clean_up"]
    assert standing.last is not None
    assert standing.due - standing.last == timedelta(days=1)
    assert CommandState.objects.filter(ended_at__isnull=False).count() == 1


def test_the_publisher_is_known_by_its_work(clinic: Clinic) -> None:
    def publisher() -> Any:
        return next(each for each in standings() if each.entry.command == "publish_events")

    with time_machine.travel(MONDAY, tick=False):
        assert publisher().last is None
        Outbox.objects.update(published_at=MONDAY)
        assert publisher().last == MONDAY


def test_every_command_of_cron_has_its_place() -> None:
    """[S3-20] [S4-08]"""
    assert set(schedule()) == {
        TRACK, "check_eligibility", "clean_up", "publish_events", "list_claim_files", "process_claim_files",
        "schedule_notifications", "send_notifications", "send_bedtime_messages", "upload_video",
    }  # fmt: skip


def test_each_job_waits_in_the_queue_of_its_kind() -> None:
    """[S3-02] Of the kinds that there are: mail is sent as a notification."""
    assert {name: job_named(name).queue for name in JOBS} == {
        "recover_services": "default", "sync_phones": "default", "claim_services": "default",
        "submit_claims": "default", "list_claim_files": "processors", "process_claim_files": "processors",
        "run_pipeline": "processors", "rerun_pipeline": "processors", "undo_pipeline": "processors",
        "check_eligibility": "eligibility", "track_appointment_states": "states",
        "upload_video": "uploads", "report": "default", "failure_lab": "low",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_manage_py_notes_how_a_command_ended(processes: Processes) -> None:
    """Started as cron does."""
    region = RegionFactory.create(name="north")
    running = processes.manage("clean_up", "--region", "north")
    assert running.ends(within=60) == 0, running.output
    state = CommandState.objects.get()
    assert (state.command, state.region, state.status) == ("clean_up", region, 0)
    assert state.began_at is not None
    assert state.ended_at is not None


def test_the_page_shows_each_region_its_own(
    sign_in: SignIn, north: World, south: World, client: Any, clinic: Clinic
) -> None:
    Appointment.objects.update(region=north.region)
    ran(TRACK, "--region", "north")
    text = text_of(sign_in("viewer"), PAGE)
    assert f"{TRACK}, every 5 minutes" in text
    assert "<span>North</span>" in text
    assert "<span>Clinic</span>" not in text
    assert "No command is expected" in text_of(sign_in("viewer", regions=[south.region]), PAGE)
    assert client.get(PAGE)["Location"].startswith("/admin/login/")
    assert sign_in(None).get(PAGE).status_code == 403


def test_clean_up_deletes_what_is_over_and_leaves_patients_and_money(clinic: Clinic, capsys: Any) -> None:
    with time_machine.travel(NOW, tick=False):
        held = hold(clinic.wish(MONDAY + 60 * MINUTE))
    run = make_run(clinic.region, ended_at=datetime(2026, 1, 1, tzinfo=UTC))
    kinds: tuple[dict[str, Any], ...] = (
        {"resolution": "fixed"}, {"resolution": "open"}, {"resolution": "fixed", "money_at_stake": 5},
    )  # fmt: skip
    for values in kinds:
        Failure.objects.create(run=run, step="x", category="x", reason="x", phase="x", **values)
    StateCheck.objects.create(
        region=clinic.region, appointment=Appointment.objects.get(), begins=MONDAY, minutes=0, state="booked",
        checked_at=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip
    token = ApiTokenFactory.create(regions=[clinic.region])
    KeptAnswer.objects.create(token=token, key="k", digest="d", created_at=datetime(2026, 3, 2, tzinfo=UTC))
    Outbox.objects.update(published_at=NOW)
    with time_machine.travel(datetime(2026, 8, 1, tzinfo=UTC), tick=False):
        call_command("clean_up", "--json")
        call_command("clean_up")
    done = json.loads(capsys.readouterr().out)
    assert done["clinic"] == {
        "holds": 1, "run_items": 1, "state_checks": 1, "events": 0, "answers": 0, "videos": 0, "reports": 0, "files": 0,
        "messages": 0,
    }  # fmt: skip
    assert done["(all)"]["answers"] == 1
    assert Hold.objects.get(pk=held.pk).state == "expired"
    assert Failure.objects.count() == 2
    assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_commands_are_silent_and_twice_at_once_one_works(clinic: Clinic, capsys: Any) -> None:
    with time_machine.travel(MONDAY, tick=False):
        call_command("track_appointment_states", "--region", "clinic", "--wait")
        call_command("track_appointment_states", "--region", "clinic", "--wait")
    assert capsys.readouterr().out == ""
    assert StateCheck.objects.count() == 1
