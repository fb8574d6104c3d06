from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.db import connections
from django.db.backends.signals import connection_created

from backoffice.telemetry.instruments import trace_statements


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Backoffice"

    def ready(self) -> None:
        if settings.TRACES_PROTOCOL:
            connection_created.connect(trace_statements)
        checks.register(check_migrations, checks.Tags.database)
        checks.register(check_encoding, checks.Tags.database)
        checks.register(check_home, checks.Tags.security, deploy=True)
        checks.register(check_mail, checks.Tags.security, deploy=True)


def check_migrations(**options: Any) -> list[checks.CheckMessage]:
    """Before each `migrate`, and by `check --database`."""
    from backoffice.twophase import check_two_phases

    return check_two_phases()


def check_encoding(databases: Sequence[str] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """Before each `migrate`: a server without a locale makes databases that know no characters, only bytes."""
    found: list[checks.CheckMessage] = []
    for connection in map(connections.__getitem__, databases or ()):
        if connection.vendor == "postgresql":
            connection.ensure_connection()
            encoding = connection.connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                said = f"The database {connection.settings_dict['NAME']} is encoded in {encoding}, not in UTF8."
                hint = "Make another with TEMPLATE template0 ENCODING 'UTF8', and set DATABASE_URL to it."
                found.append(checks.Error(said, hint=hint, id="backoffice.E136"))
    return found


def check_mail(**options: Any) -> list[checks.CheckMessage]:
    """Alerts that are to be mailed need a server that mails them."""
    from backoffice.adapters.mail import has_server

    if not settings.ALERT_MAIL_TO or has_server():
        return []
    hint = "Set EMAIL_URL, as smtp+tls://user:password@mail.example:587."
    return [
        checks.Warning("ALERT_MAIL_TO is set and no mail server: alerts go to the log.", hint=hint, id="nightward.W002")
    ]


def check_home(**options: Any) -> list[checks.CheckMessage]:
    """The embedded database has patients in it, and SQLite lets everybody read what it makes."""
    if "sqlite" not in settings.DATABASES["default"]["ENGINE"]:
        return []
    folder = Path(settings.DATABASES["default"]["NAME"]).absolute().parent
    if not folder.is_dir() or not folder.stat().st_mode & 0o007:
        return []
    hint = f"chmod o= {folder}"
    return [checks.Warning("Other users of this machine can read the database.", hint=hint, id="nightward.W001")]


class UnfoldConfig(AppConfig):
    """The admin's theme; its own configuration imports all of its widgets, which only pages need."""

    name = "unfold"


class SiteConfig(SimpleAdminConfig):
    """Django's admin, with our site as `admin.site`.

    Its pages are imported with backoffice.urls and for the system checks: what shows none starts without them.
    """

    default_site = "backoffice.site.NightwardSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs, **options)
