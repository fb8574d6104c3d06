"""One replica of a consumer of events, until SIGTERM or Ctrl-C; as many as are started share its events."""

import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.embedded import ensure_queue_server
from backoffice.presence import present
from backoffice.runs.faults import Misuse
from clinic.events import stream
from clinic.events.consumers import Consumer, consumer_named
from clinic.events.patience import on_signals, patiently
from clinic.events.replica import Replica
from clinic.events.standing import begin_trial


class Command(BaseCommand):
    help = "Handle the events of a consumer, in order per subject, until SIGTERM or Ctrl-C. Any number may run at once."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the consumer; the admin's page Consumers lists them")
        parser.add_argument("--once", action="store_true", help="end when nothing is left that can be handled now")
        parser.add_argument("--although-off", action="store_true", help="run a consumer that is off, to try it")

    def handle(self, *args: Any, name: str, once: bool, although_off: bool, **options: Any) -> None:
        consumer = _consumer(name, although_off=although_off)
        ensure_queue_server()
        self.check_migrations()
        stop = threading.Event()
        with stream.connect() as client:
            if not consumer.on:
                begin_trial(consumer, client)
            replica = Replica(consumer=consumer, client=client)

            def end() -> None:
                replica.stopping = True
                stop.set()

            on_signals(end)
            if once:
                while replica.turn(wait=0) and not replica.stopping:
                    pass
                patiently(replica.leave, stop)
                return
            with present(f"consumer-{name}", end):
                while not replica.stopping:
                    patiently(replica.turn, stop)
                patiently(replica.leave, stop)


def _consumer(name: str, *, although_off: bool) -> Consumer:
    try:
        consumer = consumer_named(name)
    except Misuse as error:
        raise CommandError(str(error), returncode=2) from None
    if not consumer.on and not although_off:
        until = f", to be reviewed by {consumer.review}" if consumer.review else ""
        raise CommandError(f"{name} is off (0 replicas{until}). --although-off runs it to try it.", returncode=2)
    return consumer
