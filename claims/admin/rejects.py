"""The worklist of rejected claims: why each was rejected, and what to do about it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import may, requires, scoped, shown
from backoffice.audit import record_view
from backoffice.exports import csv_download
from backoffice.formats import count
from backoffice.lists import Filter, Listing, by, is_id, region_choices
from backoffice.runs.models import Failure, Resolution
from claims.models import Night
from claims.pipeline.validate import REASONS
from claims.rejects import EXPORTED, dismiss, export_rows, rejects, reopen, reprocess
from regions.models import Region

NIGHTS_OFFERED = 60
EachContext = Callable[[HttpRequest], Any]
Rows = QuerySet[Failure]
ADVICE = {
    "R02": "Load the provider with the next folder, then reprocess.",
    "R03": "Correct the provider's days, then reprocess.",
    "R07": "Dismiss it. Where the earlier claim is the wrong one, undo the night and load it without that one.",
}
CORRECTED = "Ask for a corrected claim; it is loaded for the next night. Then dismiss this one."


# Which buttons have something to do, by the resolution that the list is narrowed to.
OFFERED = {
    "": ("reprocess", "dismiss", "reopen"),
    Resolution.OPEN: ("reprocess", "dismiss"),
    Resolution.DISMISSED: ("reopen",),
}


def of_night(rows: Rows, value: str) -> Rows:
    return (
        rows.filter(run__chain__in=Night.objects.filter(pk=int(value)).values("chain")) if is_id(value) else rows.none()
    )


def night_choices(request: HttpRequest) -> Sequence[tuple[str, str]]:
    """The last nights of the user's regions."""
    nights = scoped(Night.objects.select_related("region"), request.user)[:NIGHTS_OFFERED]
    return [(str(night.pk), str(night)) for night in nights]


FILTERS = (
    Filter(
        name="resolution", title="Resolution", apply=by("resolution"), default=Resolution.OPEN,
        choices=lambda request: [(value, label.capitalize()) for value, label in Resolution.choices],
    ),
    Filter(name="region", title="Region", apply=by("run__region__name"), choices=region_choices),
    Filter(
        name="night", title="Night", apply=of_night,
        choices=night_choices,
    ),
    Filter(
        name="reason", title="Reason", apply=by("reason"),
        choices=lambda request: sorted((code, f"{code} {text}") for code, text in REASONS.items()),
    ),
    Filter(name="order", title="Most first", apply=lambda rows, value: rows),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A button that asks for a reason: what it calls, and what its page and its answer say."""

    act: Callable[[Iterable[Failure], User, str], int]
    title: str
    button: str
    note: str
    done: str
    none: str


QUESTIONS = {
    "dismiss": Question(
        act=dismiss, title="Dismiss rejected claims", button="Dismiss", done="dismissed",
        note="A dismissed claim stays unpaid until it is reopened. The reason and your name stay with it.",
        none="None of these claims is open, so there is nothing to dismiss.",
    ),
    "reopen": Question(
        act=reopen, title="Reopen dismissed claims", button="Reopen", done="reopened",
        note="A reopened claim can be reprocessed or dismissed again. The reason and your name stay with it.",
        none="None of these claims is dismissed, so there is nothing to reopen.",
    ),
}  # fmt: skip


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Reason", widget=forms.TextInput({"autocomplete": "off"}))


def listing_of(request: HttpRequest) -> Listing:
    """The newest first, or those with the most billed."""
    rows = scoped(rejects(), request.user, "run__region").select_related("run__region", "resolved_by")
    sort = "billed" if request.GET.get("order") == "billed" else ""
    if sort:
        rows = rows.annotate(billed=Coalesce("money_at_stake", Decimal(0))).order_by("-billed", "-id")
    else:
        rows = rows.order_by("-id")
    return Listing(request, rows, FILTERS, search=lambda found, text: found.filter(reference=text), sort=sort)


@requires("see")
def rejects_page(request: HttpRequest, each_context: EachContext) -> HttpResponse:
    listing = listing_of(request)
    page = list(listing.page)
    nights = dict(Night.objects.filter(chain__in={row.run.chain for row in page}).values_list("chain", "pk"))
    context = {
        **each_context(request),
        "title": "Rejected claims",
        "listing": listing,
        "rows": [
            {
                "row": row,
                "night": nights.get(row.run.chain),
                "why": REASONS.get(row.reason, row.reason),
                "advice": ADVICE.get(row.reason, CORRECTED),
                "note": shown(request.user, row.resolved_reason),
            }
            for row in page
        ],
        "billed": None if listing.paginator.more else listing.rows.aggregate(sum=Sum("money_at_stake"))["sum"],
        "may_resolve": may(request.user, "resolve"),
        "offers": OFFERED.get(listing.value("resolution"), ()),
        "may_export": may(request.user, "export"),
    }
    return TemplateResponse(request, "admin/claims/rejects.html", context)


@requires("see")
def act_on_rejects(request: HttpRequest, each_context: EachContext) -> HttpResponse:
    """A button of the list, on the ticked rows; another region's rows are not there."""
    name = request.POST.get("action", "")
    if name == "export_csv":
        return export(request)
    if not may(request.user, "resolve"):
        raise PermissionDenied
    ticked = [int(text) for text in request.POST.getlist("row") if is_id(text)][:1_000]
    rows = scoped(rejects(), request.user, "run__region").filter(pk__in=ticked)
    if not rows.exists():
        messages.warning(request, "No row was selected, so nothing was changed.")
    elif name == "reprocess":
        _reprocess(request, rows)
    elif question := QUESTIONS.get(name):
        return _ask(request, name, question, rows, each_context)
    else:
        messages.error(request, "Choose what to do with the rows.")
    return back(request)


def back(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('admin:claims_rejects')}?{request.GET.urlencode()}")


def _reprocess(request: HttpRequest, rows: Rows) -> None:
    found = reprocess(rows, cast(User, request.user))
    if found.claims:
        messages.success(
            request, f"{count(found.claims, 'claim')} with {count(found.lines, 'line')} wait for the next night."
        )
    for why, number in found.refused.items():
        messages.warning(request, f"{count(number, 'claim')} not staged: {why}.")


def _ask(request: HttpRequest, name: str, question: Question, rows: Rows, each_context: EachContext) -> HttpResponse:
    """Ask for the reason first."""
    form = ReasonForm(request.POST if "sure" in request.POST else None)
    if form.is_valid():
        changed = question.act(rows.select_related("run"), cast(User, request.user), form.cleaned_data["reason"])
        if changed:
            messages.success(request, f"{count(changed, 'claim')} {question.done}.")
        else:
            messages.warning(request, question.none)
        return back(request)
    context = {
        **each_context(request),
        "title": question.title,
        "name": name,
        "question": question,
        "form": form,
        "rows": _shown(rows),
    }
    return TemplateResponse(request, "admin/claims/resolve_rejects.html", context)


def _shown(rows: Rows) -> Sequence[Failure]:
    return list(rows.select_related("run__region")[:1_000])


def export(request: HttpRequest) -> HttpResponse:
    """The list as its filters have it; who took it out stands in the audit log, by region."""
    if not may(request.user, "export"):
        raise PermissionDenied
    rows = listing_of(request).rows
    for region in Region.objects.filter(pk__in=rows.order_by().values("run__region")):
        record_view(region, export="rejects", count=rows.filter(run__region=region).count())
    return csv_download("rejected-claims", EXPORTED, export_rows(rows))
