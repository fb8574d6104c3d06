"""Nights in the admin: the list, and the page of one with its timeline, its control rows and its ways to go on."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from backoffice.access import may, may_run
from backoffice.lists import Filter, Listing, by, region_choices
from backoffice.live import live_answer
from backoffice.runs import control
from backoffice.runs.admin.runs import read_and_failed
from backoffice.runs.words import said
from backoffice.staffadmin import StaffAdmin
from claims.admin.again import again_page
from claims.admin.batches import batches_page, discard_page, load_page, may_load
from claims.admin.ledger import clashes_page, ledger_page
from claims.admin.rejects import act_on_rejects, rejects_page
from claims.admin.restart import restart_page
from claims.admin.start import start_night
from claims.admin.tables import tables_page
from claims.admin.undo import undo_page
from claims.controls import controls, dollars, last_runs
from claims.forecast import Forecast, forecast
from claims.forecast_words import capacity_in_words, slack_in_words
from claims.jobs import RUN_PIPELINE
from claims.models import Night, Remittance
from claims.pace import states_of
from claims.timeline import timeline

RESTORATIONS_SHOWN = 50
FILTERS = (Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),)


@admin.register(Night)
class NightAdmin(StaffAdmin):
    """Read only: a night is started, stopped, restarted and undone by backoffice.runs.control."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region")

    def get_urls(self) -> list[URLPattern]:
        page = self.page_at
        context = self.admin_site.each_context
        return [
            page("start/", partial(start_night, each_context=context), "start_run_pipeline"),
            page("again/", partial(again_page, each_context=context), "claims_nights_again"),
            page("rejects/", partial(rejects_page, each_context=context), "claims_rejects"),
            page("rejects/act/", require_POST(partial(act_on_rejects, each_context=context)), "claims_rejects_act"),
            page("batches/", partial(batches_page, each_context=context), "claims_batches"),
            page("batches/load/", csrf_exempt(partial(load_page, each_context=context)), "claims_load"),
            page("batches/<int:pk>/discard/", partial(discard_page, each_context=context), "claims_batch_discard"),
            page("tables/", partial(tables_page, each_context=context), "claims_tables"),
            page("ledger/", partial(ledger_page, each_context=context), "claims_ledger"),
            page("<int:pk>/live/", self.live, "claims_night_live"),
            page("<int:pk>/clashes/", self.clashes, "claims_night_clashes"),
            page("<int:pk>/restart/", self.restart, "claims_night_restart"),
            page("<int:pk>/undo/", self.undo, "claims_night_undo"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        context = {
            **self.admin_site.each_context(request),
            "title": "Nights",
            "listing": listing,
            "rows": night_rows(list(listing.page)),
            "may_start": may_run(request.user, RUN_PIPELINE.start_verb),
            "may_load": may_load(request),
        }
        return TemplateResponse(request, "admin/claims/nights.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        night: Night = self.row_or_404(request, object_id)
        control.abandon_stale_runs()
        context = {
            **self.admin_site.each_context(request),
            **page_of(request, night),
            "title": f"Night of {night.run_date}, {night.region.display_name}",
        }
        return TemplateResponse(request, "admin/claims/night.html", context)

    def live(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The part of the page that changes, with an ETag: 304 while it would look the same."""
        night: Night = self.row_or_404(request, str(pk))
        control.abandon_stale_runs()
        html = render_to_string("admin/claims/night_live.html", page_of(request, night), request)
        return live_answer(request, html)

    def restart(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return restart_page(request, self.row_or_404(request, str(pk)), self.admin_site.each_context)

    def undo(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return undo_page(request, self.row_or_404(request, str(pk)), self.admin_site.each_context)

    def clashes(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return clashes_page(request, self.row_or_404(request, str(pk)), self.admin_site.each_context)


def night_rows(nights: Sequence[Night]) -> list[dict[str, Any]]:
    """Rows of the table of nights."""
    runs = last_runs(nights)
    figures = read_and_failed(list(runs.values()))
    found = []
    for night in nights:
        run = runs.get(night.chain)
        shown = forecast(night.region, night.run_date)
        found.append(
            {
                "night": night,
                "run": run,
                "said": said(run) if run else None,
                "figures": figures.get(night.chain, Counter()),
                "forecast": shown,
                "slack": slack_in_words(shown.slack),
            }
        )
    return found


def page_of(request: HttpRequest, night: Night) -> dict[str, Any]:
    """What the page of a night shows, the same for the whole page and for the part that renews itself."""
    shown: Forecast = forecast(night.region, night.run_date)
    run = shown.run
    remittances = Remittance.objects.filter(night=night)
    return {
        "night": night,
        "run": run,
        "said": said(run) if run else None,
        "forecast": shown,
        "slack": slack_in_words(shown.slack),
        "capacity": capacity_in_words(shown.capacity) if shown.lines else "",
        "timeline": timeline(shown),
        "controls": controls(states_of(run)),
        "figures": read_and_failed([run])[run.chain] if run else Counter(),
        "restorations": night.restorations.all()[:RESTORATIONS_SHOWN],
        "remittances": remittances.count(),
        "paid": dollars(remittances.aggregate(paid=Sum("paid"))["paid"] or 0),
        "may_restart": bool(run and shown.choices and may_run(request.user, RUN_PIPELINE.start_verb)),
        "may_undo": bool(run and not run.live and may_run(request.user, RUN_PIPELINE.start_verb)),
        "may_export": may(request.user, "export"),
    }
