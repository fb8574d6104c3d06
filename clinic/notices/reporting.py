"""What the commands say: nothing where all is well; what is named names rows, never a patient."""

import json
from collections.abc import Iterable, Mapping

from django.core.management.base import BaseCommand

from backoffice.formats import moment
from clinic.notices.models import Notice
from clinic.notices.words import meaning

MOST_LINES = 200


def missed_lines(rows: Iterable[Notice]) -> list[str]:
    """A line for each message that was not sent."""
    return [
        f"Notification {row.pk}, {row.get_kind_display()} by {row.get_channel_display()} due"
        f" {moment(row.scheduled_for, row.region.zone)} {_of(row)}: not sent, {meaning(row.reason)}."
        for row in rows
    ]


def tell(command: BaseCommand, figures: Mapping[str, int], lines: list[str], *, as_json: bool) -> None:
    """One JSON object where asked, else the lines, and the figures on a terminal."""
    if as_json:
        command.stdout.write(json.dumps({**figures, "not_sent": lines}, sort_keys=True))
        return
    for line in lines[:MOST_LINES]:
        command.stdout.write(line)
    if len(lines) > MOST_LINES:
        command.stdout.write(f"and {len(lines) - MOST_LINES:,} more: the page Notifications lists them.")
    if command.stdout.isatty():
        command.stdout.write(", ".join(f"{name.replace('_', ' ')}: {number:,}" for name, number in figures.items()))


def _of(row: Notice) -> str:
    return f"of appointment {row.appointment_id}" if row.appointment_id else f"of enrolment {row.enrolment_id}"
