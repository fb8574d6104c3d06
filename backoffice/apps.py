from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Backoffice"


class SiteConfig(AdminConfig):
    """Django's admin, with our site as `admin.site`."""

    default_site = "backoffice.site.NightwardSite"
