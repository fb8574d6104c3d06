"""Staged claims in the admin: what was loaded and for which night, and the page that loads a folder's files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from backoffice.access import may, requires, scoped
from backoffice.audit import record_change
from backoffice.formats import count
from backoffice.home import home_folder
from backoffice.lists import Filter, Listing, by, region_choices
from backoffice.runs.faults import Misuse
from claims.jobs import RUN_PIPELINE
from claims.models import Night, StagedBatch
from claims.pipeline.load import Loaded, load
from claims.pipeline.restage import discard
from claims.uploads import LINES, NAMES, Limit, unpack
from regions.admin.choosing import RegionField
from regions.models import Region

EachContext = Callable[[HttpRequest], Any]
MB = 1024 * 1024


def of_state(rows: QuerySet[StagedBatch], value: str) -> QuerySet[StagedBatch]:
    return rows.filter(run_date__isnull=value == "waiting")


FILTERS = (
    Filter(name="region", title="Region", apply=by("region__name"), choices=region_choices),
    Filter(
        name="state", title="Night", apply=of_state,
        choices=lambda request: [("waiting", "Waiting for one"), ("taken", "Taken by one")],
    ),
)  # fmt: skip


class LoadForm(forms.Form):
    region = RegionField(Region.objects.none(), empty_label="Choose a region")

    def __init__(self, *args: Any, regions: Sequence[Region], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(RegionField, self.fields["region"])
        field.queryset = Region.objects.filter(pk__in=[region.pk for region in regions])
        if len(regions) == 1:
            field.initial = regions[0]


@requires("see")
def batches_page(request: HttpRequest, each_context: EachContext) -> HttpResponse:
    rows = scoped(StagedBatch.objects.select_related("region"), request.user).order_by("-id")
    listing = Listing(request, rows, FILTERS)
    page = list(listing.page)
    nights = {(night.region_id, night.run_date): night.pk for night in nights_of(page)}
    context = {
        **each_context(request),
        "title": "Staged claims",
        "listing": listing,
        "rows": [
            {
                "row": row,
                "night": nights.get((row.region_id, row.run_date)),
                "may_discard": may_discard(request, row) and row.run_date is None,
            }
            for row in page
        ],
        "may_load": may_load(request),
    }
    return TemplateResponse(request, "admin/claims/batches.html", context)


@requires("see")
def discard_page(request: HttpRequest, pk: int, each_context: EachContext) -> HttpResponse:
    """GET: the question. POST: the batch is gone, or why it is not."""
    batch = get_object_or_404(scoped(StagedBatch.objects.select_related("region"), request.user), pk=pk)
    if not may_discard(request, batch):
        raise PermissionDenied
    if request.method == "POST":
        try:
            discard(batch)
        except Misuse as refusal:
            messages.error(request, str(refusal))
        else:
            again = " Its claims are open again, among the rejected ones." if batch.rejects_of else ""
            messages.success(request, f"Batch {pk} is gone, with {count(batch.lines, 'line')}.{again}")
        return redirect(reverse("admin:claims_batches"))
    context = {**each_context(request), "title": f"Discard batch {pk}", "batch": batch}
    return TemplateResponse(request, "admin/claims/discard_batch.html", context)


def nights_of(batches: Sequence[StagedBatch]) -> QuerySet[Night]:
    return Night.objects.filter(
        region__in={batch.region_id for batch in batches}, run_date__in={batch.run_date for batch in batches}
    )


def may_discard(request: HttpRequest, batch: StagedBatch) -> bool:
    """Who may load; of rejects that were staged again also who may stage them."""
    return may_load(request) or (batch.rejects_of is not None and may(request.user, "resolve"))


def may_load(request: HttpRequest) -> bool:
    """Who starts nights and sees patient data: the lines are some, and so is what is said of those that are wrong."""
    return may(request.user, RUN_PIPELINE.start_verb) and may(request.user, "patient_data")


@requires(RUN_PIPELINE.start_verb)
def load_page(request: HttpRequest, each_context: EachContext) -> HttpResponseBase:
    """GET: the form. POST: the files, streamed to disk; loaded whole, or refused with what is wrong by file and line.

    Its address is exempt from the middleware's CSRF check, which would read the files before there is a limit to them;
    _loading checks instead.
    """
    if not may_load(request):
        raise PermissionDenied
    limit = Limit(request, settings.CLAIMS_UPLOAD_MB * MB)
    request.upload_handlers = [limit, TemporaryFileUploadHandler(request)]
    return _loading(request, limit, each_context)


@never_cache
@csrf_protect
def _loading(request: HttpRequest, limit: Limit, each_context: EachContext) -> HttpResponse:
    regions = list(scoped(Region.objects.all(), request.user, ""))
    form = LoadForm(request.POST or None, regions=regions)
    problems: list[str] = []
    if request.method == "POST" and limit.exceeded:
        problems = [
            f"The files are larger than {settings.CLAIMS_UPLOAD_MB:,} MB together. "
            "Pack them into a ZIP file, or load them by command: manage.py load_claims."
        ]
    elif request.method == "POST" and form.is_valid():
        try:
            loaded = _load(request, form.cleaned_data["region"])
        except Misuse as refusal:
            problems = str(refusal).splitlines()
        else:
            messages.success(request, _said(loaded, form.cleaned_data["region"]))
            return redirect(reverse("admin:claims_batches"))
    context = {
        **each_context(request),
        "title": "Load claims",
        "form": form,
        "problems": problems,
        "names": [name for name in NAMES if name != LINES],
        "most": settings.CLAIMS_UPLOAD_MB,
    }
    return TemplateResponse(request, "admin/claims/load.html", context)


def _said(loaded: Loaded, region: Region) -> str:
    if loaded.batch is None:
        return f"Tables of {region.display_name} loaded, no claim lines: {', '.join(sorted(loaded.rows))}."
    staged = f"{count(loaded.batch.lines, 'line')} staged as batch {loaded.batch.pk}"
    return f"{staged} for the next night of {region.display_name}."


def _load(request: HttpRequest, region: Region) -> Loaded:
    """Through a folder of this user alone, which is gone afterwards. Who sent which files stands in the audit log."""
    files = request.FILES.getlist("files")
    if not files:
        raise Misuse("Choose the files: claim_lines.csv and the tables that have changed, or one ZIP of them.")
    with TemporaryDirectory(dir=home_folder(settings.NIGHTWARD_HOME / "uploads")) as folder:
        names = unpack(files, Path(folder), most=settings.CLAIMS_UPLOAD_MB * MB)
        loaded = load(Path(folder), region)
    source = f"upload by {request.user.get_username()}, {count(len(names), 'file')}"
    if loaded.batch is None:
        record_change(region, {"claims tables": ("", source)}, files=names)
        return loaded
    loaded.batch.source = source
    loaded.batch.save(update_fields=["source"])
    record_change(loaded.batch, {"source": ("", source)}, files=names)
    return loaded
