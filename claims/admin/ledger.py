"""The accumulator ledger in the admin, and what others than the nights have changed.

The member's id is sent by POST only, and stands in no address and no log."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from backoffice.access import may, requires, shown
from backoffice.audit import record_view
from claims.clashes import clashes
from claims.ledger import Clash, holder, ledger, record_ledger_view
from claims.models import Night
from regions.admin.choosing import RegionField, offer_regions
from regions.models import Region

CLASHES_SHOWN = 200


class MemberForm(forms.Form):
    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    member_id = forms.CharField(
        label="Member id", max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_regions(self, request)


@never_cache
@sensitive_post_parameters("member_id")
@requires("see")
def ledger_page(request: HttpRequest, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """GET: the form. POST: the ledger, rendered at once."""
    form = MemberForm(request.POST or None, request=request)
    context: dict[str, Any] = {**each_context(request), "title": "Accumulator ledger"}
    if request.method == "POST" and form.is_valid():
        region, member = form.cleaned_data["region"], form.cleaned_data["member_id"]
        masked = not may(request.user, "patient_data")
        years = ledger(region, member)
        record_ledger_view(region, member, masked=masked)
        context |= {
            "searched": True,
            "region": region,
            "member": shown(request.user, member),
            "masked": masked,
            "years": [(each, [(change, isinstance(change, Clash)) for change in each.entries]) for each in years],
            "held_by": holder(region),
        }
        if masked:  # a form that is shown again would repeat what was typed
            form = MemberForm(initial={"region": region}, request=request)
    return TemplateResponse(request, "admin/claims/ledger.html", {**context, "form": form})


@never_cache
def clashes_page(request: HttpRequest, night: Night, each_context: Callable[[HttpRequest], Any]) -> HttpResponse:
    """What others have changed between this night and its neighbours. How much was shown stands in the audit log."""
    held = holder(night.region)
    found = [] if held else list(islice(clashes(night), CLASHES_SHOWN + 1))
    more, found = len(found) > CLASHES_SHOWN, found[:CLASHES_SHOWN]
    may_see = may(request.user, "patient_data")
    record_view(night, clashes=len(found), masked=not may_see)
    context = {
        **each_context(request),
        "title": f"Changes by others, night of {night.run_date}, {night.region.display_name}",
        "night": night,
        "held_by": held,
        "rows": [(each, shown(request.user, each.member)) for each in found],
        "more": more,
        "shown": CLASHES_SHOWN,
        "may_see": may_see,
        "latest": not Night.objects.filter(region=night.region, run_date__gt=night.run_date).exists(),
    }
    return TemplateResponse(request, "admin/claims/clashes.html", context)
