"""A simulated month in Los Angeles, over each change of the clock (contract S3-06, S3-08, S3-17, X-15, X-16)."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.booking.models import Appointment
from clinic.booking.states import EXPECTED
from clinic.notices.models import Notice
from clinic.notices.moments import is_quiet
from clinic.notices.planning import OF_EVENT, REMINDERS, still_true
from clinic.notices.words import REASONS
from tests.booking.world import Clinic
from tests.notices.conftest import PUBLIC
from tests.notices.month import BAD_NUMBER, Month
from tests.notices.reckoning import Key, owed

SPRING, AUTUMN = datetime(2026, 2, 22, 8, tzinfo=UTC), datetime(2026, 10, 18, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "size"),
    [
        (datetime(2026, 3, 7, 20, tzinfo=UTC), (2, 6, 8)),
        pytest.param(SPRING, (30, 12, 1.5), marks=pytest.mark.slow),
        pytest.param(AUTUMN, (30, 12, 1.5), marks=pytest.mark.slow),
    ],
)
def test_each_message_is_sent_once_none_at_night_none_for_an_old_time_and_the_rest_is_explained(
    begins: datetime, size: tuple[int, int, float], clinic: Clinic, twilio: HttpPeer[Twilio],
    now: time_machine.Traveller, settings: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """`size`: days, patients, and bookings a day."""
    days, patients, bookings = size
    settings.PUBLIC_URL = PUBLIC  # each message names its row in the address of its receipt
    month = Month(clinic=clinic, vendor=twilio.vendor, clock=now, chance=random.Random(begins.month))
    now.move_to(begins, tick=False)
    month.populate(patients)
    month.dying(monkeypatch)
    month.run(begins, days, bookings)
    rows = {str(row.row_id): row for row in Notice.objects.select_related("patient", "appointment")}
    messages = [(rows[one.callback[-36:]], one) for one in twilio.vendor.messages.all()]
    assert len(messages) > days
    each_once(rows, messages)
    none_at_night_or_after_stop(month, messages)
    none_for_an_old_time(month, messages)
    the_rest_is_explained(month, rows)
    each_that_was_due_was_sent(month, messages)


def each_once(rows: dict[str, Notice], messages: list[tuple[Notice, Any]]) -> None:
    """A row of which Twilio has a message has one; what is called sent is there."""
    counts = Counter(row.pk for row, _ in messages)
    assert set(counts.values()) <= {1}
    for row in rows.values():
        if row.channel == "sms" and row.state in ("sent", "delivered"):
            assert counts[row.pk] == 1
        if counts[row.pk]:
            assert row.state in ("sent", "delivered", "maybe_sent", "sending"), (row.state, row.reason)


def each_that_was_due_was_sent(month: Month, messages: list[tuple[Notice, Any]]) -> None:
    """What the vendors have is what tests/notices/reckoning.py finds that the month owes, each in its hour. What was
    due when a sender or the vendor failed may have come later, or not, and is not looked at here."""
    patients = {patient.pk: patient for patient in month.patients}
    whose = {visit: patients[patient] for visit, patient in Appointment.objects.values_list("pk", "patient")}
    due = dict(owed(month.done))
    disturbed = {key for key, at in due.items() if at in month.done.disturbed}
    by_sms = {key: at for key, at in due.items() if month.reaches(str(whose[key[0]].phone), at)}
    came = {(row.appointment_id or 0, row.kind, row.scheduled_for): message.created for row, message in messages}
    assert without(came, disturbed) == without(by_sms, disturbed)
    by_mail = Counter((at, str(whose[key[0]].email)) for key, at in due.items() if whose[key[0]].email)
    missing = [one for one in by_mail - month.mailed if one[0] not in month.done.disturbed]
    assert (missing, (month.mailed - by_mail).total() <= len(disturbed)) == ([], True)
    assert month.mailed
    dead = [at for at, number in month.tried if number == BAD_NUMBER]
    assert set(dead[:-1]) <= month.done.disturbed  # once it is known to be dead, nothing is sent there


def without(messages: dict[Key, datetime], keys: set[Key]) -> dict[Key, datetime]:
    return {key: at for key, at in messages.items() if key not in keys}


def none_at_night_or_after_stop(month: Month, messages: list[tuple[Notice, Any]]) -> None:
    for row, message in messages:
        zone = ZoneInfo(row.patient.time_zone) if row.patient.time_zone else month.clinic.region.zone
        assert not is_quiet(message.created, zone), (row.kind, message.created)
        for begins, ends in month.stopped.get(message.to, []):
            assert not begins <= message.created < (ends or message.created + timedelta(1))


def none_for_an_old_time(month: Month, messages: list[tuple[Notice, Any]]) -> None:
    """As the visit stood when the message was handed over."""
    for row, message in messages:
        for state, begins in month.at(row.appointment_id or 0, message.created):
            stood = Appointment(state=state, begins=begins)
            assert still_true(row.kind, row.begins, stood), (row.kind, row.begins, state, begins)


def the_rest_is_explained(month: Month, rows: dict[str, Notice]) -> None:
    """Nothing is left over, each that was not sent says why, and each visit has all of its messages."""
    late = datetime.now(UTC) - timedelta(hours=6)
    kinds: dict[int, set[tuple[str, datetime | None]]] = {}
    for row in rows.values():
        kinds.setdefault(row.appointment_id or 0, set()).add((row.kind, row.begins))
        assert row.reason in REASONS
        if row.state in ("not_sent", "failed", "withdrawn"):
            assert row.reason
        if row.useful_until < late:
            assert row.state not in ("planned", "sending"), (row.kind, row.state, row.reason)
    for visit, stood in month.done.stood.items():
        due: set[tuple[str, datetime | None]] = {("confirmation", stood[0][2])}
        moved = [begins for _, state, begins in stood if state == "rescheduled"]
        due |= {(OF_EVENT["appointment.rescheduled"], begins) for begins in moved[-1:]}
        held = [begins for _, state, begins in stood if state not in EXPECTED and state != "cancelled"]
        due |= {(kind, begins) for kind in REMINDERS for begins in held[-1:]}
        due |= {(state_kind(state), begins) for _, state, begins in stood if state in ("cancelled", "missed")}
        assert due <= kinds[visit], due - kinds[visit]


def state_kind(state: str) -> str:
    return str(OF_EVENT[f"appointment.{state}"])
