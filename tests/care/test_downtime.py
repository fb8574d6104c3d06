"""Thirty hours in which cron did not run: what is still of use is made up, once, and what is not is named (S3-18)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from clinic.booking.book import book, hold
from clinic.booking.models import Hold, KeptAnswer, WaitlistEntry
from clinic.booking.waiting import Waiting, join
from clinic.care.models import EligibilityReport
from clinic.care.schedule.noting import note_command
from clinic.events.models import Outbox
from clinic.uploads.models import Upload
from regions.models import Region
from tests.admin.conftest import SignIn, sign_in, text_of
from tests.booking.world import FRONT_DESK, MONDAY, NOW, PatientFactory, make_clinic
from tests.care.world import Peer, check, insured, outcomes
from tests.factories import ApiTokenFactory, RegionFactory
from tests.outside.conftest import order
from tests.uploads.conftest import no_files
from tests.uploads.world import a_video

__all__ = ["no_files", "sign_in"]
DOWN = timedelta(hours=30)
DAY = timedelta(days=1)
# In Chicago the evening of 28 February and, thirty hours later, the first night of 2 March.
EVENING = datetime(2026, 3, 1, 2, tzinfo=UTC)


def silent() -> set[str]:
    check_alerts()
    return set(Alert.objects.standing().filter(kind="silence").values_list("key", flat=True))


@pytest.mark.django_db(transaction=True)
def test_coverage_of_the_new_month_is_asked_once_and_the_old_month_is_not(north: Region, peer: Peer) -> None:
    """[S3-03] [S3-04] The pause begins before the month's end. Whose record came in it is asked about for March alone;
    what was pending is polled, and not paid for again."""
    order(peer, pending_polls=0)
    with time_machine.travel(EVENING, tick=True):
        known, slow = insured(north), insured(north, "PENDING-1")
        assert outcomes(check(north)) == {"processed": 1, "pending": 1}
    with time_machine.travel(EVENING + timedelta(hours=1), tick=True):
        late = insured(north, "W9")
    with time_machine.travel(EVENING + DOWN, tick=True):
        assert outcomes(check(north)) == {"processed": 3, "pending": 1}
        assert outcomes(check(north)) == {"processed": 1, "already_reported": 3}
    months = EligibilityReport.objects.filter(state="processed").values_list("information", "month__month")
    assert set(months) == {(known.pk, 2), (slow.pk, 2), (known.pk, 3), (slow.pk, 3), (late.pk, 3)}
    assert peer.vendor.billed == 5


@pytest.mark.django_db(transaction=True)
def test_in_one_month_only_what_came_meanwhile_is_asked(north: Region, peer: Peer) -> None:
    """[S3-04] The thirty runs that cron did not start are one."""
    begins = EVENING + 10 * DAY
    with time_machine.travel(begins, tick=True):
        insured(north)
        assert outcomes(check(north)) == {"processed": 1}
    with time_machine.travel(begins + DOWN / 2, tick=True):
        insured(north, "W2")
    with time_machine.travel(begins + DOWN, tick=True):
        assert outcomes(check(north)) == {"already_reported": 1, "processed": 1}
    assert peer.vendor.billed == 2


@pytest.mark.django_db
def test_clean_up_makes_up_what_two_nights_left_and_offers_what_is_still_ahead(
    no_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """[S3-18] Two holds were over in the pause: one of a slot that has begun since, which is offered to nobody."""
    with time_machine.travel(NOW, tick=False) as clock:
        clinic = make_clinic(RegionFactory.create(name="clinic"))
        held = [hold(clinic.wish(begins)) for begins in (MONDAY, MONDAY + DAY)]
        waiting = [
            join(Waiting(type=clinic.check, patient=PatientFactory.create(region=clinic.region), earliest=begins,
                         latest=begins + timedelta(minutes=30)))
            for begins in (MONDAY, MONDAY + DAY)
        ]  # fmt: skip
        KeptAnswer.objects.create(
            token=ApiTokenFactory.create(regions=[clinic.region]), key="k", digest="d", created_at=NOW - DAY
        )
        a_video(clinic.region, patient=clinic.patient, state="uploading", kind="", offset=0)
        Upload.objects.update(expires_at=NOW + DAY)
        clock.shift(DOWN)
        call_command("clean_up", "--json")
        done = json.loads(capsys.readouterr().out)
        call_command("clean_up", "--json")
        again = json.loads(capsys.readouterr().out)
    assert (done["clinic"]["holds"], done["clinic"]["videos"], done["(all)"]["answers"]) == (2, 1, 1)
    assert not any(any(counts.values()) for counts in again.values())
    assert [Hold.objects.get(pk=each.pk).state for each in held] == ["expired", "expired"]
    assert [WaitlistEntry.objects.get(pk=each.pk).state for each in waiting] == ["waiting", "offered"]
    assert not Upload.objects.exists()
    assert not KeptAnswer.objects.exists()


@pytest.mark.django_db
def test_the_pause_is_an_alarm_and_the_schedule_names_what_it_leaves_undone(sign_in: SignIn, north: Region) -> None:
    """[S3-18] Until the commands have run."""
    with time_machine.travel(NOW, tick=False) as clock:
        clinic = make_clinic(north)
        book(clinic.wish(MONDAY), FRONT_DESK)
        insured(north, patient=clinic.patient)
        Outbox.objects.update(published_at=NOW)
        for command in ("clean_up", "check_eligibility"):
            note_command([command, "--region", north.name], 0, timezone.now())
        late = {f"clean_up/{north.name}", f"check_eligibility/{north.name}"}
        assert not silent() & late
        clock.shift(DOWN)
        # clean_up is a nightly command: it is late once a day and half have passed.
        assert silent() & late == {f"check_eligibility/{north.name}"}
        clock.shift(timedelta(hours=7))
        assert silent() & late == late
        page = text_of(sign_in("viewer", regions=[north]), "/admin/care/commandstate/")
        assert "a month that is over is not, since a payer answers for today" in page
        assert "a slot that has begun meanwhile is offered to nobody" in page
        for command in ("clean_up", "check_eligibility"):
            note_command([command, "--region", north.name], 0, timezone.now())
        assert not silent() & late
