from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.embedded import ensure_queue_server
from backoffice.worker import serve_queues


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


class Command(BaseCommand):
    help = "Work the queues until SIGTERM or Ctrl-C; a run in progress goes on elsewhere after its present chunk."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=positive, default=1, help="worker processes on this machine (1)")
        parser.add_argument(
            "--queues", nargs="+", metavar="NAME", default=settings.QUEUE_ORDER, help="the first named first (all)"
        )

    def handle(self, *args: Any, workers: int, queues: list[str], **options: Any) -> None:
        unknown = sorted(set(queues) - set(settings.QUEUE_ORDER))
        if unknown:
            raise CommandError(
                f"No queue is called {', '.join(unknown)}. Queues: {', '.join(settings.QUEUE_ORDER)}.", returncode=2
            )
        ensure_queue_server()
        self.check_migrations()
        if not serve_queues(queues, workers=workers):
            raise CommandError("The worker ended without being asked to; its last messages say why.")
