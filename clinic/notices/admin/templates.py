"""The texts of a region: checked as they are saved, with a preview."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice import audit
from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.notices.models import Channel, Template
from clinic.notices.placeholders import BadTemplate
from clinic.notices.texts import Text, preview

SEGMENT = 160  # characters of one SMS; it is sent in more, and paid for


@admin.register(Template)
class TemplateAdmin(StaffAdmin):
    """Who configures a region writes its texts."""

    change_verb = add_verb = delete_verb = "configure"
    list_display = ("kind", "language", "region", "subject")
    list_filter = (("region", RegionFilter), "kind", "language")
    list_select_related = ("region",)
    fields = ("region", "kind", "language", "subject", "short", "body", "preview")
    readonly_fields = ("preview",)

    @admin.display(description="Preview, with a made-up patient")
    def preview(self, row: Template) -> SafeString | str:
        """As it would be sent now."""
        if row._state.adding:
            return "Save it to see it."
        text = Text(subject=row.subject, short=row.short, body=row.body)
        try:
            letters = preview(row.region, text, row.language, timezone.now())
        except BadTemplate as bad:
            return str(bad)
        shown = [(Channel(channel).label, letter.subject, letter.body) for channel, letter in letters]
        short = next(letter.body for channel, letter in letters if channel == Channel.SMS)
        return format_html(
            "{}<p>The SMS has {} characters; one SMS holds {}.</p>",
            format_html_join("", "<p><strong>{}: {}</strong><br>{}</p>", shown), len(short), SEGMENT,
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record_change(obj, dict.fromkeys(form.changed_data, ("", "changed")))
