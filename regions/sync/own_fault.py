"""A fault that belongs to one row stays with it, and the run goes on [S1-07, S1-17]."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, InterfaceError

from backoffice.adapters.fhir import FhirRefused, WrongRegion
from backoffice.adapters.pace import PaceUnavailable
from backoffice.runs.faults import RunEnds
from regions.sync import verdict
from regions.sync.work import Entry

log = structlog.get_logger(__name__)


@contextmanager
def kept_by(entry: Entry) -> Iterator[None]:
    """What nobody has foreseen of this row's data is its failure, and logged with the lines that it came through.

    What is everybody's goes on to end the run.
    """
    try:
        yield
    except (RunEnds, FhirRefused, PaceUnavailable, WrongRegion, DatabaseError, InterfaceError):
        raise
    except Exception as error:  # the one broad except for rows, as the kernel's for items
        log.exception("Row %d: unexpected fault", entry.row.number)
        entry.failures.append((verdict.UNEXPECTED, type(error).__name__))
