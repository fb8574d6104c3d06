"""Reasons as people ask for them: without the codes of the records that they are about."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from backoffice.formats import words


def fault_of(reasons: str) -> str:
    """Reasons without their block codes: ten codes of one fault are one reason."""
    return ";".join(sorted({part.rpartition(":")[2] for part in reasons.split(";")}))


def with_fault(rows: QuerySet[Any], column: str, faults: Collection[str]) -> QuerySet[Any]:
    """Rows whose reasons in `column` come to one of the faults, whatever the codes."""
    spelled = rows.order_by().values_list(column, flat=True).distinct()
    return rows.filter(**{f"{column}__in": [reasons for reasons in spelled if fault_of(reasons) in faults]})


def titled(code: str) -> str:
    """A code as a choice shows it: no_cost_center → No cost center."""
    text = words(code)
    return text[:1].upper() + text[1:]
