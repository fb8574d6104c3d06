"""The admin site: unfold's, behind the second factor."""

from typing import TYPE_CHECKING

from django.contrib.admin import AdminSite
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
