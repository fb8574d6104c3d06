"""The table of all reports: name → dotted path of its declaration (contract S3-15, X-19). No class is looked up."""

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from backoffice.runs.faults import Misuse
from clinic.reports.kinds import Kind

KINDS = {
    "visits": "clinic.booking.summary.VISITS",
    "eligibility": "clinic.care.eligibility.history.ELIGIBILITY",
    "billing": "billing.summary.BILLING",
}


@cache
def kind_named(name: str) -> Kind:
    """The declaration; Misuse lists the names when there is none such."""
    if name not in KINDS:
        raise Misuse(f"No report is called {str(name)[:40]!r}. Reports: {', '.join(sorted(KINDS))}.")
    return cast(Kind, import_string(KINDS[name]))
