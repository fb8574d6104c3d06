"""The region of a form: one of the user's own."""

from typing import TYPE_CHECKING, cast

from django import forms
from django.http import HttpRequest

from backoffice.access import scoped
from regions.models import Region

if TYPE_CHECKING:
    _RegionChoice = forms.ModelChoiceField[Region]
else:
    # Django's fields are generic in their stubs only.
    _RegionChoice = forms.ModelChoiceField


class RegionField(_RegionChoice):
    def label_from_instance(self, obj: Region) -> str:
        return obj.display_name


def offer_regions(form: forms.Form, request: HttpRequest) -> None:
    """The form's `region` offers the user's; the only one is chosen already."""
    regions = scoped(Region.objects.all(), request.user, "")
    field = cast(RegionField, form.fields["region"])
    field.queryset = regions
    if len(regions) == 1:
        field.initial = regions[0]
