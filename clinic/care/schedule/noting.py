"""manage.py says here how a command ended; of those that are awaited it is written down."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from backoffice.runs.command import EXIT_ALREADY_RUNNING
from clinic.care.models import CommandState
from clinic.care.schedule.registry import noted
from regions.models import Region

log = structlog.get_logger(__name__)
# A run that is live does the work of the one that was refused.
DONE = frozenset({0, EXIT_ALREADY_RUNNING})
# With these a command tells of itself and does nothing.
ONLY_ASKED = frozenset({"-h", "--help", "--version"})


def note_command(arguments: Sequence[str], status: int, began: datetime) -> None:
    """`arguments`: the command and its own. What cannot be written down is logged: the command itself has ended."""
    if not arguments or arguments[0] not in noted() or not ONLY_ASKED.isdisjoint(arguments):
        return
    try:
        name = region_of(arguments)
        region = Region.objects.filter(name=name).first() if name else None
        if name and region is None:
            return
        row, _ = CommandState.objects.get_or_create(command=arguments[0], region=region)
        ended = {"ended_at": timezone.now()} if status in DONE else {"failed_at": timezone.now()}
        CommandState.objects.filter(pk=row.pk).update(began_at=began, status=status, **ended)
    except (DatabaseError, InterfaceError) as error:
        log.warning("command_not_noted", command=arguments[0], error=type(error).__name__)


def region_of(arguments: Sequence[str]) -> str:
    """What --region says; empty without it."""
    for number, argument in enumerate(arguments):
        if argument.startswith("--region="):
            return argument.partition("=")[2]
        if argument == "--region" and number + 1 < len(arguments):
            return arguments[number + 1]
    return ""
