"""What appointments and the waitlist tell of becomes rows of the ledger; what is due then is sent by jobs."""

from collections.abc import Iterator
from datetime import datetime

from clinic.booking.models import Appointment
from clinic.events.consumers import Call, Consumer, Event
from clinic.notices.offering import OFFERED, plan_offer
from clinic.notices.planning import plan_event

SEND = "clinic.notices.jobs.tell_of_event"


def handle(event: Event) -> None:
    """Plan and withdraw by how the appointment stands now; nothing is sent here. One that is gone was removed with its
    patient."""
    if event.type == OFFERED:
        plan_offer(event)
        return
    rows = Appointment.objects.select_related("region", "patient__region")
    appointment = rows.filter(region=event.region_id, pk=event.data["appointment"]).first()
    if appointment is None:
        return
    plan_event(appointment, event.type, datetime.fromisoformat(event.data["begins"]), event.recorded_at)


def jobs_of(event: Event) -> Iterator[Call]:
    """[S4-07]: as an event is published, a job plans the same and sends what is due of it."""
    yield Call(queue="notifications", function=SEND, argument=event.number)


NOTIFICATION = Consumer(
    name="notification", title="Notifications", types=("appointment.", OFFERED), handle=handle, replicas=2
)  # fmt: skip
