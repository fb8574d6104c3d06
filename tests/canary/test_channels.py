"""Each channel that the scan listens to is listened to: what is planted in one is found there, and said to be there."""

from urllib.request import urlopen

import pytest

from backoffice.sandbox.http import HttpServer, Reply
from tests.canary import values
from tests.canary.watch import Watch

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PLANT = f"""
import structlog
from backoffice.operations.models import Order
from backoffice.presence import connect
from backoffice.runs import alerts
from backoffice.runs.models import Alert
from backoffice.telemetry.tracing import flush, span

structlog.get_logger("plant").info({values.EMAIL!r})
with span({values.MEMBER!r}):
    pass
flush(10)
with connect() as client:
    client.set("gone", {values.DEVICE!r})
    client.delete("gone")
    client.hset("stays", "field", {values.VIDEO!r})
Alert.objects.create(kind="plant", key="k", message={values.INSURANCE!r})
alerts._tell()
Order.objects.create(kind="restart", target={values.PATIENT!r})
"""
PLANTED = {
    ("output of shell", "e-mail address"), ("spans", "member id"), ("Redis, a command", "device of an app"),
    ("Redis, stays", "name of a video"), ("alert by mail", "insurance id"), ("alert by webhook", "insurance id"),
    ("runs.Alert", "insurance id"), ("audit log", "patient id"), ("request line to a peer", "claim member id"),
}  # fmt: skip


def test_what_is_planted_in_a_channel_is_found_in_it(watch: Watch) -> None:
    """Else that nothing is found says nothing."""
    watch.manage("shell", "-c", PLANT)
    peer = HttpServer(lambda request: Reply(204))
    peer.start()
    urlopen(f"http://127.0.0.1:{peer.port}/members?id={values.CLAIM_MEMBER}", timeout=10).close()
    peer.stop()
    found = {(leak.channel, leak.canary) for leak in watch.leaks()}
    assert found >= PLANTED, PLANTED - found
    assert not any(channel == "Redis, gone" for channel, _ in found)
