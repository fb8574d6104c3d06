"""The question before a button of the worklist writes into a hospital's billing: where, how many rows, how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from clinic.models import MissingService
from clinic.money import dollars, in_cents


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What of one region would be recovered; `unknown` of the rows have no figure."""

    region: str
    rows: int
    at_stake: Decimal
    unknown: int


def is_sure(request: HttpRequest) -> bool:
    """Whether the question has been answered."""
    return "sure" in request.POST


def asked_of(rows: QuerySet[MissingService]) -> list[Asked]:
    """The rows by region."""
    found = (
        rows.order_by("region__name")
        .values("region__name", "region__display_name")
        .annotate(rows=Count("pk"), cents=Sum(in_cents("at_stake")), unknown=Count("pk", filter=Q(at_stake=None)))
    )
    return [
        Asked(
            region=each["region__display_name"],
            rows=each["rows"],
            at_stake=dollars(each["cents"]),
            unknown=each["unknown"],
        )
        for each in found
    ]


def ask(
    request: HttpRequest,
    context: dict[str, Any],
    rows: QuerySet[MissingService],
    kept: Sequence[tuple[str, str]],
    cancel: str,
    what: str = "",
) -> HttpResponse:
    """The page that asks; its button sends `kept` to the same address once more, and that it is sure."""
    context = {
        **context,
        "title": "Recover missing services",
        "address": request.get_full_path(),
        "asked": asked_of(rows),
        "kept": kept,
        "cancel": cancel,
        "what": what,
    }
    return TemplateResponse(request, "admin/clinic/confirm_recover.html", context)
