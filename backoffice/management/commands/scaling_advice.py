"""scaling_advice: how many replicas each consumer, and each queue's further workers, need now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.deploy.loads import Row, as_hpa, as_keda, rows
from backoffice.deploy.yaml_text import as_yaml
from backoffice.embedded import ensure_queue_server
from backoffice.formats import duration
from clinic.events import stream

ORIGIN = "# Written by `manage.py scaling_advice` from what was measured; kubectl apply -f takes it."


class Command(BaseCommand):
    help = (
        "Say how many replicas are needed, from what waits, how long it has waited and how long one takes (measured"
        " over one to two hours); or write the settings for KEDA, or for plain HorizontalPodAutoscalers."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "keda", "hpa"), default="text", help="(text)")

    def handle(self, *args: Any, **options: Any) -> None:
        ensure_queue_server()
        with stream.connect() as client:
            found = list(rows(client))
        if options["format"] == "text":
            for row in found:
                self.stdout.write(line(row))
        else:
            made = as_keda(found) if options["format"] == "keda" else as_hpa(found)
            self.stdout.write(as_yaml(made, origin=ORIGIN), ending="")


def line(row: Row) -> str:
    """consumer-notification: 2 (2 run): 0 wait, 0.004 s each; 2 to 6."""
    advice, load, process = row.advice, row.load, row.process
    if not process.most:
        review = f", review by {process.review}" if process.review else ""
        return f"{process.name}: 0: off{review}"
    waited = f", the first for {duration(load.oldest)}" if load.lag else ""
    each = "none measured" if load.service is None else f"{load.service:.3f} s each"
    capped = "; more would be needed" if advice.capped else ""
    return (
        f"{process.name}: {advice.replicas} ({row.alive} run): {load.lag:,} wait{waited}, {each};"
        f" {process.least} to {process.most}{capped}"
    )
