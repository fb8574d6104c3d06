"""The schedule: each of cron's commands, when it last ran and is next due, for each region that it is expected for."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import ACCOUNTS, may, region_ids
from backoffice.staffadmin import StaffAdmin
from clinic.care.models import CommandState
from clinic.care.schedule.backups import last_backup
from clinic.care.schedule.standing import standings


@admin.register(CommandState)
class CommandStateAdmin(StaffAdmin):
    """Rows are made by manage.py; nobody changes them."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        regions = None if may(request.user, ACCOUNTS) else region_ids(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": "Schedule",
            "standings": list(standings(regions)),
            "backup": last_backup(),
        }
        return TemplateResponse(request, "admin/care/schedule.html", context)
