"""Dead letters: a list, the page of one, and the button that gives them back; and how the consumers stand."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse

from backoffice import audit
from backoffice.access import ACCOUNTS, may, region_ids
from backoffice.formats import count
from backoffice.lists import Choices, Filter, Listing, as_choices, by, is_id, region_choices
from backoffice.staffadmin import StaffAdmin
from clinic.events.admin.said import said
from clinic.events.consumers import PUBLISHER, consumers
from clinic.events.failing import MOST_TRIES, dismiss, replay
from clinic.events.models import DeadLetter
from clinic.events.standing import LAG_LIMIT, standings

# A role that may start any job may have an event handled again.
REPLAYS = "start_any"


def consumer_choices(request: HttpRequest) -> Choices:
    return [*((one.name, one.title) for one in consumers()), (PUBLISHER, "Publisher: jobs")]


FILTERS = (
    Filter(
        name="state",
        title="State",
        apply=by("state"),
        default=DeadLetter.State.DEAD,
        choices=lambda request: as_choices(DeadLetter.State.choices),
    ),
    Filter(name="consumer", title="Consumer", apply=by("consumer"), choices=consumer_choices),
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
)


@admin.register(DeadLetter)
class DeadLetterAdmin(StaffAdmin):
    """Rows are made by consumers; people give them back, or dismiss them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "event", "decided_by")

    def get_urls(self) -> list[URLPattern]:
        return [self.page_at("consumers/", self.consumers, "events_consumers"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        if request.method == "POST":
            chosen = [int(pk) for pk in request.POST.getlist("row") if is_id(pk)]
            return self._decide(
                request, list(self.get_queryset(request).filter(pk__in=chosen)), request.get_full_path()
            )
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS)
        rows = list(listing.page)
        tried = self.get_queryset(request).filter(state=DeadLetter.State.RETRYING)
        context = {
            **self.admin_site.each_context(request),
            "title": "Dead letters",
            "listing": listing,
            "rows": rows,
            "retrying": 0 if rows or request.GET else tried.count(),
            "tries": MOST_TRIES,
            "may_replay": may(request.user, REPLAYS),
        }
        return TemplateResponse(request, "admin/events/letters.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        letter: DeadLetter = self.row_or_404(request, object_id)
        if request.method == "POST":
            return self._decide(request, [letter], reverse("admin:events_deadletter_change", args=[letter.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Dead letter {letter.pk}",
            "letter": letter,
            "data": said(letter.event),
            "later": letter.event.followers().count(),
            "may_replay": may(request.user, REPLAYS),
        }
        return TemplateResponse(request, "admin/events/letter.html", context)

    def consumers(self, request: HttpRequest) -> HttpResponse:
        """Lag and failures are of the user's regions; replicas and what is pending, of the whole stream."""
        self.check_may_see(request)
        regions = None if may(request.user, ACCOUNTS) else region_ids(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": "Consumers",
            "standings": standings(regions),
            "lag_limit": LAG_LIMIT,
        }
        return TemplateResponse(request, "admin/events/consumers.html", context)

    def _decide(self, request: HttpRequest, letters: list[DeadLetter], then: str) -> HttpResponse:
        """Replay or dismiss; what is not dead any more is left alone."""
        if not may(request.user, REPLAYS):
            raise PermissionDenied
        before = {letter.pk: letter.state for letter in letters}
        user, again = cast(User, request.user), "replay" in request.POST
        done = replay(letters, user) if again else dismiss(letters, user)
        for letter in DeadLetter.objects.filter(pk__in=before).select_related("event"):
            if letter.state != before[letter.pk]:
                audit.record_change(letter, {"state": (before[letter.pk], letter.state)})
        if done:
            messages.success(request, f"{count(done, 'event')} {'given back' if again else 'dismissed'}.")
        else:
            messages.warning(request, "Nothing was changed: none is dead any more.")
        return redirect(then)
