"""The accumulator ledger in the admin. The member's id is sent by POST only, and stands in no address and no log."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from backoffice.access import may, requires, scoped, shown
from claims.ledger import holder, ledger, record_ledger_view
from clinic.admin.start import RegionField
from regions.models import Region


class MemberForm(forms.Form):
    region = RegionField(Region.objects.none(), empty_label="Choose a region")
    member_id = forms.CharField(
        label="Member id", max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        regions = scoped(Region.objects.all(), request.user, "")
        field = cast(RegionField, self.fields["region"])
        field.queryset = regions
        if len(regions) == 1:
            field.initial = regions[0]


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
            "years": years,
            "held_by": holder(region),
        }
        if masked:  # a form that is shown again would repeat what was typed
            form = MemberForm(initial={"region": region}, request=request)
    return TemplateResponse(request, "admin/claims/ledger.html", {**context, "form": form})
