"""Batches in the admin: what was sent and what was said of it; and what a person decides where nobody knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse

from backoffice import audit
from backoffice.access import may, may_run
from backoffice.lists import Filter, Listing, as_choices, by, is_id
from backoffice.runs.faults import Misuse
from backoffice.staffadmin import StaffAdmin
from billing.admin.clock import NO_999, filter_of
from billing.admin.listed import KIND, REGION
from billing.admin.words import BATCH_ADVICE, BATCH_TONES, SET_CODES, TONES
from billing.clock import UPLOAD
from billing.jobs import SUBMIT_CLAIMS
from billing.models import Batch, Claim, ClaimEvent, Document
from billing.submitting.deciding import arrived, give_up, send_again
from claims.edi.status import RANKS, State
from clinic.money import dollars, in_cents

ANSWERS_SHOWN = 50


def with_control(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Batches of this control number, written with its zeros or without."""
    return rows.filter(control=int(text)) if is_id(text) and int(text) < 2**31 else rows.none()


FILTERS = (
    Filter(
        name="state", title="State", apply=by("state"), choices=lambda request: as_choices(Batch.State.choices)
    ),
    REGION,
    KIND,
    Filter(
        name="usage", title="Usage", apply=by("usage"),
        choices=lambda request: [("P", "Production"), ("T", "Test")],
    ),
    filter_of(UPLOAD, NO_999),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A button: from which states, what it calls, and what its page and its answer say."""

    of: tuple[Batch.State, ...]
    act: Callable[[Batch, User], None]
    button: str
    title: str
    consequences: tuple[str, ...]
    done: str


DECISIONS = {
    "arrived": Decision(
        of=(Batch.State.UNCONFIRMED,), act=arrived, button="It arrived", title="Is the file at the clearinghouse?",
        consequences=(
            "Its claims count as uploaded, and the clock of answers runs from when it was sent.",
            "If it is not there after all, no answer comes: its claims are named as late, and wait.",
        ),
        done="The batch counts as uploaded.",
    ),
    "again": Decision(
        of=(Batch.State.UNCONFIRMED,), act=send_again, button="Send again", title="Send the same file once more?",
        consequences=(
            "The next submission sends the same bytes under the same numbers.",
            "If the clearinghouse has it after all, it refuses the second one as a duplicate (TA1 025), or takes it "
            "twice: ask there first.",
        ),
        done="The next submission sends it again.",
    ),
    "give_up": Decision(
        of=(Batch.State.BATCHED, Batch.State.UNCONFIRMED), act=give_up, button="Give it up",
        title="Give the file up?",
        consequences=(
            "It is never sent. Its numbers stay used.",
            "Its claims stand as file failed: each is paid only after it was made again, under a number of its own.",
            "If the clearinghouse has the file after all, what is made again is claimed twice: ask there first.",
        ),
        done="The batch is given up. Its claims are to be made again.",
    ),
}  # fmt: skip


@admin.register(Batch)
class BatchAdmin(StaffAdmin):
    """Read only but for the three decisions."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("region", "document")

    def get_urls(self) -> list[URLPattern]:
        decide = self.page_at("<int:pk>/decide/<slug:name>/", self.decide, "billing_batch_decide")
        return [decide, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_may_see(request)
        listing = Listing(request, self.get_queryset(request).order_by("-id"), FILTERS, search=with_control)
        context = {
            **self.admin_site.each_context(request),
            "title": "Claim batches",
            "listing": listing,
            "rows": [{"row": row, "tone": BATCH_TONES[row.state]} for row in listing.page],
            "may_start": may_run(request.user, SUBMIT_CLAIMS.start_verb),
        }
        return TemplateResponse(request, "admin/billing/batches.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        batch: Batch = self.row_or_404(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Batch {batch.control:09d}",
            "batch": batch,
            "tone": BATCH_TONES[batch.state],
            "advice": BATCH_ADVICE[batch.state],
            "sets": [{"row": row, "says": SET_CODES.get(row.acknowledged, row.acknowledged)} for row in sets_of(batch)],
            "totals": totals_of(batch),
            "states": states_of(batch),
            "answers": answers_to(batch),
            "decisions": self._decisions(request, batch),
        }
        return TemplateResponse(request, "admin/billing/batch.html", context)

    def _decisions(self, request: HttpRequest, batch: Batch) -> list[tuple[str, Decision]]:
        """Those that are open, to who may take them."""
        if not may(request.user, "resolve"):
            return []
        return [(name, decision) for name, decision in DECISIONS.items() if batch.state in decision.of]

    def decide(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """GET: what it leads to. POST: it is so, or why not."""
        batch: Batch = self.row_or_404(request, str(pk))
        decision = DECISIONS.get(name)
        if decision is None:
            raise Http404
        if not may(request.user, "resolve"):
            raise PermissionDenied
        if request.method == "POST":
            return _decide(request, batch, decision)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Batch {batch.control:09d}",
            "batch": batch,
            "decision": decision,
            "open": batch.state in decision.of,
        }
        return TemplateResponse(request, "admin/billing/decide.html", context)


def _decide(request: HttpRequest, batch: Batch, decision: Decision) -> HttpResponse:
    before = batch.state
    try:
        check_open(batch, decision)
        decision.act(batch, cast(User, request.user))
    except Misuse as refusal:
        messages.error(request, str(refusal))
    else:
        batch.refresh_from_db()
        audit.record_change(batch, {"state": (before, batch.state)})
        messages.success(request, decision.done)
    return redirect(reverse("admin:billing_batch_change", args=[batch.pk]))


def check_open(batch: Batch, decision: Decision) -> None:
    """Misuse where the batch's state is not, or is no longer, one of those that the decision is for."""
    if batch.state not in decision.of:
        raise Misuse(
            f"Batch {batch.control:09d} is {batch.get_state_display().lower()}: that is not to be decided of it."
        )


def sets_of(batch: Batch) -> Sequence[Any]:
    return list(batch.sets.all())


def totals_of(batch: Batch) -> list[dict[str, Any]]:
    """Of each set that a 277CA gives totals of, these beside ours; of its providers those that differ."""
    found = []
    for row in batch.sets.exclude(told={}):
        whole, providers = row.told["whole"], row.told["providers"]
        named = [("The set", whole)] if whole else []
        named += [(f"Provider {each['provider']}", each) for each in providers if each["differs"]]
        found += [
            {
                **each, "set": row.number, "of": name, "document": row.told["document"],
                "charge": None if each["charge"] is None else Decimal(each["charge"]),
                "sent_charge": Decimal(each["sent_charge"]),
            }
            for name, each in named
        ]  # fmt: skip
    return found


def states_of(batch: Batch) -> list[dict[str, Any]]:
    """How its claims stand: each state with its claims and dollars, in the order in which states follow each other."""
    rows: Any = Claim.objects.filter(batch_set__batch=batch).order_by().values("state")
    cents = {"charge": Sum(in_cents("charge")), "paid": Sum(in_cents("paid"))}
    found = sorted(rows.annotate(claims=Count("pk"), **{f"{k}_": v for k, v in cents.items()}), key=_rank)
    return [
        {
            "state": row["state"],
            "tone": TONES.get(row["state"], ""),
            "claims": row["claims"],
            "charge": dollars(row["charge_"]),
            "paid": dollars(row["paid_"]),
        }
        for row in found
    ]


def _rank(row: dict[str, Any]) -> int:
    return RANKS[State(row["state"])]


def answers_to(batch: Batch) -> Sequence[Document]:
    """The files that said something of its claims, the newest first."""
    said = ClaimEvent.objects.filter(claim__batch_set__batch=batch).exclude(document=None)
    ids = said.exclude(document=batch.document_id).order_by().values("document").distinct()
    return list(Document.objects.filter(pk__in=ids).order_by("-id")[:ANSWERS_SHOWN])
