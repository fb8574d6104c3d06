"""The admin site: unfold's, behind the second factor."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from backoffice.totp import TotpRequired

if TYPE_CHECKING:
    _Look = AdminSite
else:
    _Look = UnfoldAdminSite


class NightwardSite(TotpRequired, _Look):
    """Where every admin page of the product is registered."""

    index_title = "Dashboard"
    enable_nav_sidebar = True

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Worked out where a page asks for it: every page is handed this list of all models, and has our navigation in
        its place."""
        return SimpleLazyObject(lambda: super(NightwardSite, self).get_app_list(request, app_label))  # type: ignore[return-value]
