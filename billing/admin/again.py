"""What a person does with a claim: made again, replaced or taken back; each asks first and says what it leads to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice import audit
from backoffice.access import may
from backoffice.runs.faults import Misuse
from billing.making.judging import is_held_back
from billing.making.rebuild import VOID
from billing.making.standing import NOT_SENT
from billing.making.versions import AGAIN, REPLACEMENT, remade, replaced
from billing.models import Claim


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """A button: for which claims, what it makes, and what its page says."""

    open: Callable[[Claim], bool]
    act: Callable[[Claim, User], Claim]
    button: str
    title: str
    consequences: tuple[str, ...]


def is_rejected_or_held_back(claim: Claim) -> bool:
    return is_held_back(claim) or (claim.state in AGAIN and not claim.withdrawn)


def is_with_payer(claim: Claim) -> bool:
    """The payer has it and has given it a number, without which neither a replacement nor a void is taken."""
    return not claim.withdrawn and claim.state not in NOT_SENT and bool(claim.payer_claim)


ACTIONS = {
    "again": Again(
        open=is_rejected_or_held_back, act=lambda claim, user: remade(claim, user=user), button="Make again",
        title="Make the claim again?",
        consequences=(
            "It is made of what is known now: load what was wrong first.",
            "What was never in a file stays the claim that it is and is checked at once. One that was sent and came to "
            "nothing gets a next version, with a number of its own.",
            "It goes with the next submission if nothing is wrong with it.",
        ),
    ),
    "replace": Again(
        open=is_with_payer, act=lambda claim, user: replaced(claim, REPLACEMENT, user=user), button="Replace",
        title="Replace the claim at the payer?",
        consequences=(
            "A next version is made of what is known now, as a replacement (frequency 7) that names the payer's claim.",
            "The payer takes this claim back and decides on the replacement: what was paid may be taken back first.",
            "It goes with the next submission if nothing is wrong with it.",
        ),
    ),
    "void": Again(
        open=is_with_payer, act=lambda claim, user: replaced(claim, VOID, user=user), button="Void",
        title="Take the claim back from the payer?",
        consequences=(
            "A void (frequency 8) of the same content is made. The payer takes the claim back, and what it paid.",
            "It goes with the next submission. It cannot be called back after that.",
        ),
    ),
}  # fmt: skip


def open_to(request: HttpRequest, claim: Claim) -> list[tuple[str, Again]]:
    """The buttons of the claim's page, for who may press them; none where a later version is there."""
    if not may(request.user, "resolve") or claim.versions.filter(withdrawn=False).exists():
        return []
    return [(name, action) for name, action in ACTIONS.items() if action.open(claim)]


def again_page(request: HttpRequest, claim: Claim, name: str, context: dict[str, Any]) -> HttpResponse:
    """GET: the question. POST: it is made, or why not."""
    action = ACTIONS.get(name)
    if action is None:
        raise Http404
    if not may(request.user, "resolve"):
        raise PermissionDenied
    if request.method == "POST":
        return _made(request, claim, action)
    shown = {
        "title": f"Claim {claim.control}",
        "claim": claim,
        "action": action,
        "open": name in dict(open_to(request, claim)),
    }
    return TemplateResponse(request, "admin/billing/again.html", {**context, **shown})


def _made(request: HttpRequest, claim: Claim, action: Again) -> HttpResponse:
    try:
        made = action.act(claim, cast(User, request.user))
    except Misuse as refusal:
        messages.error(request, str(refusal))
        return redirect(reverse("admin:billing_claim_change", args=[claim.pk]))
    audit.record_change(made, {"version": (claim.control, made.control)}, action=action.button)
    if made.refused:
        messages.warning(request, f"Claim {made.control} is made, and something is wrong with it still.")
    else:
        messages.success(request, f"Claim {made.control} is made. It is checked, and goes with the next submission.")
    return redirect(reverse("admin:billing_claim_change", args=[made.pk]))
