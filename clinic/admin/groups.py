"""Fix once, recover many: open rows by the one master record that holds them up, and a run over just those."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import may, requires, scoped
from clinic import worklist
from clinic.admin import confirm
from clinic.admin.resolve import start, to_runs
from clinic.jobs import RECOVER_SERVICES
from clinic.models import ACTIONABLE, MissingService
from regions.models import Region


@requires("see")
def groups_page(request: HttpRequest, each_context: Any) -> HttpResponse:
    """Each of the user's regions with its groups, the most money first."""
    regions = scoped(Region.objects.all(), request.user, "")
    wanted = request.GET.get("region", "")
    shown_regions = regions.filter(name=wanted) if wanted not in ("", "all") else regions
    found = [(region, worklist.groups([region])) for region in shown_regions]
    context = {
        **each_context(request),
        "title": "Fix once, recover many",
        "regions": regions,
        "wanted": wanted,
        "groups": [(region, groups, worklist.total(groups)) for region, groups in found],
        "total": worklist.total([group for _, groups in found for group in groups]),
        "may_recover": may(request.user, RECOVER_SERVICES.start_verb),
    }
    return TemplateResponse(request, "admin/clinic/groups.html", context)


@requires(RECOVER_SERVICES.start_verb)
def recover_group(request: HttpRequest, each_context: Any) -> HttpResponse:
    """A run over the appointments of one group, asked once more first; another region's group is not there."""
    region = get_object_or_404(scoped(Region.objects.all(), request.user, ""), name=request.POST.get("region", ""))
    blocked_by = request.POST.get("blocked_by", "")
    if not blocked_by:
        raise PermissionDenied
    page = reverse("admin:recovery_groups")
    rows = MissingService.objects.filter(region=region, blocked_by=blocked_by, status__in=ACTIONABLE)
    if not confirm.is_sure(request):
        if not rows.exists():
            messages.warning(request, "No open row waits for this record any more.")
            return redirect(page)
        kept = [("region", region.name), ("blocked_by", blocked_by)]
        return confirm.ask(request, each_context(request), rows, kept, page, what=worklist.title_of(blocked_by))
    run = start(request, region, {"only": {"blocked_by": blocked_by}})
    return (run and to_runs(request, [run])) or redirect(page)
