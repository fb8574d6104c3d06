import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.urls import reverse

from backoffice.embedded import ensure_queue_server
from backoffice.management.commands.work import positive
from backoffice.serving import Service, listen, sign_in_line, start_demo_hospital, start_web


class Command(BaseCommand):
    help = "Serve the admin and the API and work the queues on this machine, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes a free one (8000)")
        parser.add_argument("--workers", type=positive, default=2, help="worker processes for the queues (2)")

    def handle(self, *args: Any, host: str, port: int, workers: int, **options: Any) -> None:
        service = Service()
        with listen(host, port) as listener:
            port = listener.getsockname()[1]
            ensure_queue_server()
            self._prepare()
            service.stop_on_signals()
            start_web(service, listener)
        try:
            start_demo_hospital(service)
            service.start("worker", ["manage.py", "work", "--workers", str(workers)])
            if service.wait_until_answers(host, port):
                self._announce(host, port)
            service.wait()
            ended = service.ended()
        finally:
            service.stop()
        if ended:
            raise CommandError(ended)

    def _prepare(self) -> None:
        try:
            for database in connections:
                call_command("migrate", database=database, verbosity=0, interactive=False)
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"The database cannot be used ({reason}). Correct DATABASE_URL, or start it.") from None
        finally:
            connections.close_all()
        # whitenoise warns where it is missing; the files themselves come from the packages.
        settings.STATIC_ROOT.mkdir(exist_ok=True)

    def _announce(self, host: str, port: int) -> None:
        scheme = "http" if settings.INSECURE_HTTP else "https"
        shown = f"[{host}]" if ":" in host else host
        self.stdout.write(f"Nightward is at {scheme}://{shown}:{port}{reverse('admin:index')}")
        self.stdout.write(sign_in_line(terminal=sys.stdout.isatty()))
        self.stdout.write("Ctrl-C stops it.")
