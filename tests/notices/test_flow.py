"""From a booking over the API to messages by every channel: request, database, events, consumer, jobs."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail
from django_rq import get_queue
from redis import Redis

from backoffice.sandbox.fcm import Fcm
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import Twilio
from clinic.booking.models import Appointment
from clinic.events.models import Outbox
from clinic.events.publishing import publish_events
from clinic.events.replica import Replica
from clinic.notices.consumer import NOTIFICATION
from clinic.notices.jobs import QUEUE, tell_of_event
from clinic.notices.models import Notice
from tests.booking.conftest import client_of
from tests.booking.world import Clinic
from tests.notices.world import at


@pytest.mark.django_db(transaction=True)
def test_a_booking_is_confirmed_by_every_channel_once(
    clinic: Clinic, twilio: HttpPeer[Twilio], queue: Redis, now: time_machine.Traveller, settings: Any, tmp_path: Path
) -> None:
    """[S4-04] [S4-07] [S4-11] By the consumer, by the job of the publisher, or by both."""
    now.move_to(at("2026-03-01 10:00", clinic), tick=False)
    with HttpPeer(Fcm()) as fcm:
        settings.FCM_URL = fcm.url
        key = fcm.vendor.make_key_file(tmp_path / "key.json", fcm.url).read_text()
        clinic.region.env_vars = {**clinic.region.env_vars, "FCM_KEY": key}
        clinic.region.save()
        clinic.patient.email, clinic.patient.push_token = "adaeze@example.com", "device-of-this-test"
        clinic.patient.save()
        wish = {
            "type": clinic.check.pk, "patient": clinic.patient.pk,
            "begins": (at("2026-03-05 14:00", clinic)).isoformat(),
        }  # fmt: skip
        booked = client_of(clinic).post("/api/v1/appointments/", wish, format="json")
        assert booked.status_code == 201
        assert Outbox.objects.get().trace == booked["X-Correlation-ID"]
        assert publish_events(queue) == 1
        replica = Replica(consumer=NOTIFICATION, client=queue, claim_after=timedelta(seconds=60))
        while replica.turn(wait=0):
            pass
        assert Notice.objects.filter(kind="confirmation", state="planned").count() == 3
        (job,) = get_queue(QUEUE).jobs
        for _ in range(2):
            tell_of_event(*job.args)
    assert len(twilio.vendor.messages.all()) == len(mail.outbox) == len(fcm.vendor.messages) == 1
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}
    assert Appointment.objects.get().state == "booked"
