"""Videos in the admin: how far each is, what became of it, and the file for who may see patients."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, reverse
from django.utils.html import format_html

from backoffice import audit
from backoffice.access import may
from backoffice.staffadmin import RegionFilter, StaffAdmin
from clinic.uploads.files import open_to_read
from clinic.uploads.models import Upload

SUFFIXES = {"mp4": "mp4", "quicktime": "mov", "webm": "webm", "matroska": "mkv"}


@admin.register(Upload)
class UploadAdmin(StaffAdmin):
    """Rows come over the API and nobody changes them here."""

    audited = True
    patient_fields = ("reference", "download")
    list_display = ("__str__", "region", "reference", "state", "kind", "size", "created_at", "processed_at")
    list_filter = (("region", RegionFilter), "state", "kind")
    list_select_related = ("region", "patient")
    fields = (
        "region", "reference", "appointment_number", "state", "kind", "problem", "size", "created_at", "received_at",
        "processed_at", "download",
    )  # fmt: skip
    readonly_fields = fields

    def get_urls(self) -> list[URLPattern]:
        return [self.page_at("<int:pk>/file/", self.file_view, "uploads_upload_file"), *super().get_urls()]

    @admin.display(description="Patient")
    def reference(self, obj: Upload) -> str:
        return obj.patient.external_id

    @admin.display(description="Appointment")
    def appointment_number(self, obj: Upload) -> str:
        return f"appointment {obj.appointment_id}" if obj.appointment_id else ""

    @admin.display(description="Size", ordering="length")
    def size(self, obj: Upload) -> str:
        """How much is there of what was announced, until all is."""
        size = filesizeformat(obj.length)
        return size if obj.offset == obj.length else f"{100 * obj.offset // obj.length} % of {size}"

    @admin.display(description="File")
    def download(self, obj: Upload) -> str:
        if obj.state != Upload.State.COMPLETED or not obj.file:
            return ""
        return format_html(
            '<a class="nw-button" href="{}">Download</a>', reverse("admin:uploads_upload_file", args=[obj.pk])
        )

    def file_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """The bytes of a video that was completed; the audit log says who took them."""
        row: Upload = self.row_or_404(request, str(pk))
        if not may(request.user, "patient_data"):
            raise PermissionDenied
        if row.state != Upload.State.COMPLETED or not row.file:
            raise Http404
        audit.record_view(row, download=True)
        try:
            file = open_to_read(row.file)
        except FileNotFoundError:
            raise Http404 from None
        name = f"video-{row.pk}.{SUFFIXES[row.kind]}"
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
