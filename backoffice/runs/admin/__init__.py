"""The admin of the run kernel: what importing these registers."""

from backoffice.runs.admin.failures import FailureAdmin
from backoffice.runs.admin.runs import RunAdmin

__all__ = ("FailureAdmin", "RunAdmin")
