"""The page of the five priorities: for every role, with the figures of the person's regions."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from backoffice.access import ACCOUNTS, may, requires, scoped
from backoffice.monitor.limits import WINDOW_MINUTES
from backoffice.monitor.priorities import by_state, priorities
from regions.models import Region


@require_safe
@requires("see")
def priorities_page(request: HttpRequest) -> HttpResponse:
    regions = list(scoped(Region.objects.order_by("display_name"), request.user, ""))
    rows = priorities(regions, everywhere=may(request.user, ACCOUNTS))
    context = {
        **admin.site.each_context(request),
        "title": "The five priorities",
        "rows": rows,
        "states": {state.value: number for state, number in by_state(rows).items()},
        "window": WINDOW_MINUTES,
    }
    return TemplateResponse(request, "admin/monitor/priorities.html", context)
