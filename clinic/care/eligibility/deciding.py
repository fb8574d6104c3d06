"""A person decides about a call of which nobody knows whether it was made."""

from django.contrib.auth.models import User
from django.db import transaction

from backoffice.audit import record_change
from backoffice.runs.control import start_run
from backoffice.runs.models import Run
from clinic.care.models import EligibilityInformation, EligibilityReport

State = EligibilityReport.State


def ask_again(report: EligibilityReport) -> bool:
    """Whether the month is open again: the next check asks once more, and it may be paid twice."""
    with transaction.atomic():
        unknown = EligibilityReport.objects.filter(pk=report.pk, state=State.UNKNOWN)
        if not unknown.update(state=State.OPEN, code="asked_again"):
            return False
        record_change(report, {"state": (State.UNKNOWN, State.OPEN)})
    return True


def check_now(information: EligibilityInformation, user: User) -> Run:
    """A run about this record alone; Misuse, AlreadyRunning."""
    return start_run("check_eligibility", region=information.region, parameters={"only": [information.pk]}, user=user)
