"""The page of one claim: what it says, whose it is, what each line came to, and its versions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from billing.admin.words import FREQUENCIES, TONES, advice_of, reason_says
from billing.content import claim_of
from billing.models import BillingPayer, Claim, ClaimEvent
from billing.restating import event_of
from billing.thread import Thread, thread_of
from billing.visits import sales_of
from claims.edi.status import ADJUDICATED, State, in_order


def page_of(claim: Claim) -> dict[str, Any]:
    """What everybody who sees claims sees of it; nothing of a person."""
    thread = thread_of(claim)
    payer = BillingPayer.objects.filter(region=claim.region_id, payer_id=claim.payer_id).first()
    adjudications = list(claim.events.filter(state__in=ADJUDICATED, test=False).order_by("id"))
    return {
        "claim": claim,
        "tone": TONES.get(claim.state, ""),
        "advice": advice_of(claim),
        "frequency": FREQUENCIES.get(claim.frequency, claim.frequency),
        "payer": payer.name if payer else "",
        "lines": list(lines_of(claim, adjudications)),
        "of_claim": [adjusted for event in last_of(adjudications) for adjusted in adjustments_of(event.detail)],
        "versions": versions_of(thread),
        "thread": thread,
        "overpaid": thread.paid > thread.charge,
        "sales": sales_of(claim),
    }


def last_of(adjudications: Sequence[ClaimEvent]) -> Sequence[ClaimEvent]:
    """The adjudication that stands, in a list of one; a reversal of an earlier payment is not it."""
    by_key = {event.key: event for event in adjudications}
    ordered = in_order(event_of(event) for event in adjudications)
    return [by_key[event.key] for event in ordered if event.state != State.REVERSED][-1:]


def lines_of(claim: Claim, adjudications: Sequence[ClaimEvent]) -> Iterator[dict[str, Any]]:
    """Each line with what the adjudication that stands took off it, by our line control number."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in last_of(adjudications):
        for line in event.detail.get("lines", ()):
            found[line.get("control", "")].append(line)
    for line in claim.lines.all():
        decided = found.pop(line.control, [])
        yield {
            "line": line,
            "adjustments": [adjusted for one in decided for adjusted in adjustments_of(one)],
            "remarks": [remark for one in decided for remark in one.get("remarks", ())],
            "changed": next((one["procedure"] for one in decided if one.get("sent")), ""),
        }


def adjustments_of(said: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """[[group, reason, amount, quantity], …] of a claim or a line, in words."""
    for group, reason, amount, *_ in said.get("adjustments", ()):
        yield {"code": f"{group} {reason}", "says": reason_says(group, reason), "amount": Decimal(amount)}


def versions_of(thread: Thread) -> list[dict[str, Any]]:
    """All versions of what the claim bills, the first one first; one that stands alone has none."""
    if len(thread.versions) == 1:
        return []
    return [
        {
            "version": version,
            "tone": TONES.get(version.state, ""),
            "frequency": FREQUENCIES.get(version.frequency, version.frequency),
        }
        for version in thread.versions
    ]


def person_of(claim: Claim) -> dict[str, Any]:
    """Of the encrypted content: the member and the patient, as they are sent."""
    if not claim.content:
        return {}
    content = claim_of(claim.content)
    member, patient = content.subscriber, content.patient
    return {
        "member": _name(member.name),
        "member_id": member.member_id,
        "patient": _name(patient.name) if patient else "the member",
        "birth_date": content.birth_date,
        "sex": content.sex,
        "diagnoses": ", ".join(content.diagnoses),
    }


def _name(name: Any) -> str:
    return " ".join(filter(None, (name.first, name.middle, name.last, name.suffix)))
