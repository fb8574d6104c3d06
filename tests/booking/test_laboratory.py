"""What laboratories tell moves appointments and links their lab orders, in any order and however often it comes."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from clinic.booking.book import book, cancel, move
from clinic.booking.models import Appointment, LabOrder, SampleEvent
from clinic.booking.outside.laboratory import LIS_SAMPLE_STATUS, handle
from clinic.booking.outside.samples import Said, far, meant_for, standing_of, steps
from clinic.events.consumers import Event
from clinic.events.inbound.matching import ASKED_AGAIN_AFTER, chosen, match_to
from clinic.events.models import DeadLetter, Inbox, Outbox, Unmatched
from clinic.events.outbox import event_of, record
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from clinic.events.stream import connect
from regions.models import Region
from tests.booking.crowd import crowd
from tests.booking.told import handle_all as handle_all_with
from tests.booking.told import in_another_order, moment, samples, tell
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, ResourceFactory, make_clinic
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db
Handle = Callable[[], None]


@pytest.fixture
def visit(clinic: Clinic) -> Appointment:
    return book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")


@pytest.fixture
def handle_all(queue: Redis) -> Handle:
    return lambda: handle_all_with(queue)


def moves_of(visit: Appointment) -> list[str]:
    return [each.after for each in visit.moves.all()][1:]


def test_a_sample_moves_its_appointment_from_its_collection_to_its_result(
    clinic: Clinic, visit: Appointment, handle_all: Handle
) -> None:
    """[S4-03]"""
    reached = []
    for minutes, kind in enumerate(("ordered", "collected", "received", "resulted")):
        tell(clinic.region, f"lis.sample.{kind}", test_code="GLU", occurred_at=moment(minutes))
        handle_all()
        visit.refresh_from_db()
        reached.append(visit.state)
    assert reached == ["booked", "sample_collected", "in_progress", "completed"]
    assert moves_of(visit) == ["arrived", "sample_collected", "in_progress", "completed"]
    assert {(each.by, each.through) for each in visit.moves.filter(version__gt=1)} == {(None, "lis-sample-status")}
    order = visit.lab_orders.get()
    assert (order.number, order.test_code, order.state, order.events.count()) == ("O-7", "GLU", "resulted", 4)
    assert Outbox.objects.filter(type="appointment.completed", subject=str(visit.pk)).count() == 1
    assert not DeadLetter.objects.exists()


def test_a_rejected_sample_is_collected_again(clinic: Clinic, visit: Appointment, handle_all: Handle) -> None:
    """[S4-03]"""
    told = [("collected", "S-1", 1), ("received", "S-1", 2), ("rejected", "S-1", 2), ("collected", "S-2", 9)]
    reached = []
    for kind, specimen, minutes in told:
        tell(clinic.region, f"lis.sample.{kind}", specimen_id=specimen, occurred_at=moment(minutes))
        handle_all()
        visit.refresh_from_db()
        reached.append((visit.state, visit.lab_orders.get().state))
    assert reached == [
        ("sample_collected", "collected"), ("in_progress", "received"), ("arrived", "rejected"),
        ("sample_collected", "collected"),
    ]  # fmt: skip


def test_a_result_that_comes_first_is_not_undone_by_a_late_collection(
    clinic: Clinic, visit: Appointment, handle_all: Handle
) -> None:
    """[S4-03]"""
    for kind in ("resulted", "collected", "received", "ordered"):
        tell(clinic.region, f"lis.sample.{kind}")
    handle_all()
    visit.refresh_from_db()
    assert (visit.state, visit.lab_orders.get().state) == ("completed", "resulted")
    assert moves_of(visit) == ["arrived", "sample_collected", "in_progress", "completed"]


def test_what_is_told_again_does_nothing(clinic: Clinic, visit: Appointment, handle_all: Handle) -> None:
    """[S4-03] In another message, and with the events handed out once more."""
    for _ in range(3):
        tell(clinic.region, "lis.sample.collected", occurred_at=moment(1))
    handle_all()
    Outbox.objects.update(published_at=None)
    handle_all()
    assert (visit.moves.count(), SampleEvent.objects.count()) == (3, 1)


def test_a_sample_of_a_missed_visit_is_believed(
    clinic: Clinic, visit: Appointment, handle_all: Handle, now: time_machine.Traveller
) -> None:
    """Who gave a sample was there, whatever else was planned for that time."""
    now.move_to(MONDAY)
    move(visit, "missed", FRONT_DESK)
    ResourceFactory.create(region=clinic.region)
    book(clinic.wish(MONDAY), FRONT_DESK)
    tell(clinic.region, "lis.sample.collected", occurred_at=moment(1))
    handle_all()
    visit.refresh_from_db()
    assert visit.state == "sample_collected"


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_what_is_over_stays_so_and_its_order_is_linked(
    clinic: Clinic, visit: Appointment, handle_all: Handle, state: str, now: time_machine.Traveller
) -> None:
    """[S4-03]"""
    now.move_to(MONDAY)
    if state == "cancelled":
        cancel(visit, FRONT_DESK, "ill")
    else:
        for each in ("arrived", "in_progress", "completed"):
            move(visit, each, FRONT_DESK)
    for kind in ("collected", "rejected"):
        tell(clinic.region, f"lis.sample.{kind}")
    handle_all()
    visit.refresh_from_db()
    assert (visit.state, visit.lab_orders.get().state) == (state, "rejected")


def test_what_staff_has_moved_on_is_not_moved_back_by_what_is_told_late(
    clinic: Clinic, visit: Appointment, handle_all: Handle, now: time_machine.Traveller
) -> None:
    """[S4-03]"""
    now.move_to(MONDAY)
    move(visit, "arrived", FRONT_DESK)
    move(visit, "in_progress", FRONT_DESK)
    tell(clinic.region, "lis.sample.collected")
    handle_all()
    visit.refresh_from_db()
    assert visit.state == "in_progress"


def test_an_appointment_waits_for_all_its_orders(clinic: Clinic, visit: Appointment, handle_all: Handle) -> None:
    """[S4-03] One of them cancelled, it waits for the others."""
    states = []
    for order, kind in (("O-7", "ordered"), ("O-8", "ordered"), ("O-7", "resulted"), ("O-8", "cancelled")):
        tell(clinic.region, f"lis.sample.{kind}", order)
        handle_all()
        visit.refresh_from_db()
        states.append(visit.state)
    assert states == ["booked", "booked", "in_progress", "completed"]


def test_another_regions_appointment_is_never_touched(
    clinic: Clinic, visit: Appointment, elsewhere: Clinic, handle_all: Handle
) -> None:
    """[S4-03] Of the same number there, in the event as in its order, and where a person names it."""
    tell(elsewhere.region, "lis.sample.collected")
    tell(elsewhere.region, "lis.sample.collected", "O-8", appointment_id=f"appointment/{visit.pk}")
    tell(clinic.region, "lis.sample.ordered")
    handle_all()
    visit.refresh_from_db()
    assert (visit.state, LabOrder.objects.get().region) == ("booked", clinic.region)
    rows = Unmatched.objects.filter(region=elsewhere.region)
    assert rows.count() == 2
    assert chosen(rows[0], "A-1") is chosen(rows[0], str(visit.pk)) is None


def test_later_events_are_known_by_their_order_and_by_the_laboratorys_number(
    clinic: Clinic, visit: Appointment, handle_all: Handle
) -> None:
    """[S4-03] They name no appointment; the one that came before the order was linked is matched as it is."""
    tell(clinic.region, "lis.sample.collected", appointment_id=None)
    tell(clinic.region, "lis.sample.ordered", accession="F-9")
    handle_all()
    tell(clinic.region, "lis.sample.received", appointment_id=None)
    tell(clinic.region, "lis.sample.resulted", "F-9", appointment_id=None, order_id=None, accession="F-9")
    handle_all()
    visit.refresh_from_db()
    assert (visit.state, visit.lab_orders.get().events.count()) == ("completed", 4)


def test_what_came_before_its_appointment_is_matched_as_it_is_booked(clinic: Clinic, handle_all: Handle) -> None:
    """[S4-03]"""
    tell(clinic.region, "lis.sample.ordered")
    tell(clinic.region, "lis.sample.collected")
    handle_all()
    assert Unmatched.objects.filter(state="open").count() == 2
    visit = book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    handle_all()
    visit.refresh_from_db()
    assert visit.state == "sample_collected"
    assert {row.matched for row in Unmatched.objects.all()} == {f"appointment/{visit.pk}"}


def test_what_a_person_settles_is_matched_with_all_of_its_order(
    clinic: Clinic, visit: Appointment, handle_all: Handle
) -> None:
    """[S4-03]"""
    tell(clinic.region, "lis.sample.ordered", appointment_id="A-l")
    tell(clinic.region, "lis.sample.collected", appointment_id="A-l")
    row = Unmatched.objects.earliest("pk")
    subject = chosen(row, str(visit.pk))
    assert subject == chosen(row, "A-1") == f"appointment/{visit.pk}"
    assert match_to(row, subject, UserFactory.create()) == 2
    assert match_to(row, subject, UserFactory.create()) == 0
    handle_all()
    visit.refresh_from_db()
    assert (visit.state, visit.lab_orders.get().events.count()) == ("sample_collected", 2)


def test_an_order_of_another_appointment_is_given_to_a_person(
    clinic: Clinic, visit: Appointment, handle_all: Handle, settings: Any
) -> None:
    other = book(clinic.wish(MONDAY + 60 * MINUTE), FRONT_DESK, external_id="A-2")
    tell(clinic.region, "lis.sample.ordered")
    tell(clinic.region, "lis.sample.resulted", appointment_id="A-2")
    handle_all()
    letter = DeadLetter.objects.get()
    assert (letter.consumer, letter.reason) == ("lis-sample-status", "order_of_another_appointment")
    other.refresh_from_db()
    assert (other.state, LabOrder.objects.get().state) == ("booked", "ordered")


def test_a_number_that_is_two_appointments_names_neither(clinic: Clinic, visit: Appointment) -> None:
    """The hospital's number of one is ours of another."""
    book(clinic.wish(MONDAY + 60 * MINUTE), FRONT_DESK, external_id=str(visit.pk))
    tell(clinic.region, "lis.sample.ordered", appointment_id="A-l")
    row = Unmatched.objects.get()
    assert chosen(row, str(visit.pk)) is None
    assert chosen(row, f"appointment/{visit.pk}") == f"appointment/{visit.pk}"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_and_repetition_comes_to_the_same_end(data: st.DataObject) -> None:
    """[S4-03]"""
    said = data.draw(samples())
    other = data.draw(in_another_order(said))
    assert end_of(said) == end_of(other)


def end_of(told: Iterable[Said]) -> tuple[str, str]:
    """Where an appointment and its one order are after this, by the rules alone."""
    known: list[Said] = []
    state, before = "booked", standing_of(known)
    for one in told:
        if one in known:
            continue
        known.append(one)
        now = standing_of(known)
        lowered = far(now.reached) < far(before.reached)
        for step in steps(state, meant_for([now]), lowered=lowered):
            state = step
        before = now
    return state, before.state


@pytest.mark.slow
@given(st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_database_comes_to_that_end(data: st.DataObject) -> None:
    """[S4-03] The consumer itself, without its stream: the rules above are what it follows."""
    said = data.draw(samples())
    expected = end_of(said)
    with transaction.atomic():
        clinic = make_clinic(RegionFactory.create(name="any"))
        # The clock is that of the machine: the slot is made, not booked.
        visit = Appointment.objects.create(
            region=clinic.region, patient=clinic.patient, type=clinic.check, begins=MONDAY, ends=MONDAY + 30 * MINUTE
        )
        for one in data.draw(in_another_order(said)):
            handle(event_saying(clinic.region, visit, one))
        visit.refresh_from_db()
        assert (visit.state, visit.lab_orders.get().state) == expected
        transaction.set_rollback(True)


def event_saying(region: Region, visit: Appointment, said: Said) -> Event:
    told = {"specimen_id": said.specimen, "occurred_at": said.at.isoformat() if said.at else "", "order_id": "O-7"}
    data = {key: value for key, value in told.items() if value}
    return record(region, f"lis.sample.{said.kind}", "lis/O-7", {**data, "matched": f"appointment/{visit.pk}"})


def test_what_is_open_is_asked_for_again_by_the_publisher(
    clinic: Clinic, visit: Appointment, handle_all: Handle
) -> None:
    """An order that was linked while its event was being stored, which nothing else finds."""
    tell(clinic.region, "lis.sample.ordered")
    handle_all()
    event = event_of(Outbox.objects.filter(type="lis.sample.ordered").get())
    tell(clinic.region, "lis.sample.received", "O-9", appointment_id=None)
    LabOrder.objects.update(number="O-9")
    Unmatched.objects.update(tried_at=event.recorded_at - 2 * ASKED_AGAIN_AFTER)
    handle_all()
    visit.refresh_from_db()
    assert visit.state == "in_progress"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_replicas_at_once_bring_an_appointment_to_one_end(clinic: Clinic, visit: Appointment, queue: Redis) -> None:
    """[S4-03] Four orders of one appointment, told in disorder and by several processes: each move is made once."""
    for kind in ("resulted", "collected", "rejected", "received", "ordered"):
        for number in range(4):
            tell(
                clinic.region, f"lis.sample.{kind}", f"O-{number}", occurred_at=moment(number), specimen_id=f"S-{kind}"
            )
    publish_events(queue)

    def act() -> str:
        with connect() as client:
            replica = Replica(consumer=LIS_SAMPLE_STATUS, client=client)
            while replica.turn(wait=0.2) or replica.held:
                pass
        return "done"

    assert crowd(3, 1, act) == {"done": 3}
    visit.refresh_from_db()
    assert visit.state == "completed"
    assert Counter(moves_of(visit))["completed"] == 1
    assert SampleEvent.objects.count() == Inbox.objects.filter(dead=False, event__type__startswith="lis.").count() == 20
    assert not DeadLetter.objects.exists()
