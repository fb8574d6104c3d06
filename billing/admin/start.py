"""Starting a submission from the admin: what waits, by region, and the question before anything leaves the house."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.access import requires, scoped
from backoffice.runs.admin.starting import start_page, started
from backoffice.runs.faults import ConfigError
from backoffice.runs.job import Job, Json
from billing.jobs import CLAIM_SERVICES, LIST_CLAIM_FILES, PROCESS_CLAIM_FILES, SUBMIT_CLAIMS
from billing.models import Batch, Claim, Document
from billing.submitting.tested import only_tested
from claims.edi.status import State
from clinic.money import dollars, in_cents
from regions.admin.choosing import RegionField, offer_regions
from regions.clearinghouse import clearinghouse_of
from regions.clearinghouse_keys import USUAL
from regions.models import Region

WRITE = "write"
# The jobs that change nothing outside: (job, title, what it does).
INSIDE = {
    CLAIM_SERVICES.name: (
        CLAIM_SERVICES,
        "Make claims",
        "Makes a claim of each service that recovery has written and no claim bills, and checks every draft anew. What "
        "lacks something is listed with what it lacks; what a rule refuses, with the rule.",
    ),
    LIST_CLAIM_FILES.name: (
        LIST_CLAIM_FILES,
        "List the clearinghouse's files",
        "Looks into the mailbox, and fetches and stores each file that is not known yet. Nothing is deleted there.",
    ),
    PROCESS_CLAIM_FILES.name: (
        PROCESS_CLAIM_FILES,
        "Read the clearinghouse's files",
        "Reads each stored file that was not read yet, and moves the claims that it names. A file that comes twice "
        "changes nothing.",
    ),
}


class RegionForm(forms.Form):
    """These jobs have no parameters but their region; `outside`: which needs a clearinghouse."""

    region = RegionField(Region.objects.none(), empty_label="Choose a region")

    def __init__(self, *args: Any, request: HttpRequest, outside: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outside = outside
        offer_regions(self, request)

    def clean_region(self) -> Region:
        region: Region = self.cleaned_data["region"]
        try:
            if self.outside:
                clearinghouse_of(region)
        except ConfigError as lack:
            raise forms.ValidationError(str(lack)) from None
        return region

    def clean(self) -> dict[str, Any]:
        return {**(super().clean() or {}), "mode": WRITE}

    def parameters(self) -> Json:
        return {}

    def summary(self) -> dict[str, Any]:
        """What is about to happen, for the question."""
        region: Region = self.cleaned_data["region"]
        house = clearinghouse_of(region)
        return {"host": house.server.host, "test": house.test, **waiting_of([region])[0]}


def waiting_of(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Of each region: claims with nothing wrong and their dollars, files that are to be sent, files to be read."""
    ready = Claim.objects.filter(region__in=regions, state=State.VALIDATED, batch_set=None, withdrawn=False, refused=[])
    sums = {"claims": Count("pk"), "cents": Sum(in_cents("charge"))}
    claims: dict[int, Any] = {row["region"]: row for row in ready.order_by().values("region").annotate(**sums)}
    for region in regions:
        if region.clearinghouse.get("test", USUAL["test"]) is False:
            tested = only_tested(region).aggregate(**sums)
            found = claims.setdefault(region.pk, {"claims": 0, "cents": 0})
            found["claims"] += tested["claims"]
            found["cents"] = (found["cents"] or 0) + (tested["cents"] or 0)
    batches = Batch.objects.filter(region__in=regions)
    unread = _counted(Document.objects.filter(region__in=regions, state=Document.State.NEW, direction="received"))
    to_send = _counted(batches.filter(state=Batch.State.BATCHED))
    unconfirmed = _counted(batches.filter(state=Batch.State.UNCONFIRMED))
    return [
        {
            "region": region,
            "claims": claims.get(region.pk, {}).get("claims", 0),
            "charge": dollars(claims[region.pk]["cents"]) if region.pk in claims else Decimal(0),
            "batches": to_send.get(region.pk, 0),
            "unconfirmed": unconfirmed.get(region.pk, 0),
            "unread": unread.get(region.pk, 0),
        }
        for region in regions
    ]


def _counted(rows: Any) -> dict[int, int]:
    return dict(rows.order_by().values_list("region").annotate(n=Count("pk")))


def _context(request: HttpRequest, each_context: Any, title: str) -> dict[str, Any]:
    regions = list(scoped(Region.objects.all(), request.user, ""))
    return {**each_context(request), "title": title, "no_regions": not regions, "waiting": waiting_of(regions)}


@requires(SUBMIT_CLAIMS.start_verb)
def start_submission(request: HttpRequest, each_context: Any) -> HttpResponse:
    """GET: the form, with what waits. POST: the question, then the run."""
    form = RegionForm(request.POST or None, request=request)
    return start_page(
        request, SUBMIT_CLAIMS, form, _context(request, each_context, "Submit claims"),
        template="admin/billing/start_submit.html", question="admin/billing/confirm_submit.html",
    )  # fmt: skip


@requires(LIST_CLAIM_FILES.start_verb)
def start_inside(request: HttpRequest, name: str, each_context: Any) -> HttpResponse:
    """GET: the form. POST: the run; there is no question, since it changes nothing outside."""
    job, title, says = INSIDE[name]
    form = RegionForm(request.POST or None, request=request, outside=job is not CLAIM_SERVICES)
    if request.method == "POST" and form.is_valid():
        return started(request, job, form)
    context = {**_context(request, each_context, title), "job": job, "form": form, "says": says}
    return TemplateResponse(request, "admin/billing/start_inside.html", context)


def pages(each_context: Any) -> list[tuple[Job, Any]]:
    """(job, its page) of each job of billing."""
    inside = [(job, partial(start_inside, name=name, each_context=each_context)) for name, (job, *_) in INSIDE.items()]
    return [(SUBMIT_CLAIMS, partial(start_submission, each_context=each_context)), *inside]
