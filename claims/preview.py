"""What running nights again, or undoing them, would take away; for people who have to decide. It changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from backoffice.formats import count, duration, money
from backoffice.runs.job import Json
from backoffice.runs.models import Run, StepPart
from claims.controls import dollars
from claims.forecast import forecast
from claims.ledger import ADJUDICATE
from claims.models import Night, Remittance
from claims.pace import staged_lines
from claims.pipeline.restage import staged_again
from claims.rejects import wait_again


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What stands of one night. `steps`: those that have begun. `images`: before images of accumulators, which an undo
    puts back. `withdrawn`: lines of its rejects that were staged again, on which it decides anew. `taken`: those of
    them that a later night has. `seconds`: how long it takes from the beginning, as the forecast has it."""

    night: Night
    run: Run | None
    undone: bool
    steps: int
    lines: int
    paid: int
    denied: int
    rejected: int
    amount: Decimal
    providers: int
    images: int
    withdrawn: int
    taken: int
    seconds: float

    @property
    def status(self) -> str:
        return "undone" if self.undone else self.run.status if self.run else "not begun"


def standing(night: Night) -> Standing:
    run = night.last_run
    parts = list(StepPart.objects.filter(step__chain=night.chain).select_related("step"))
    outcomes = {name: sum(part.outcomes.get(name, 0) for part in parts) for name in ("paid", "denied", "rejected")}
    images = sum(int((part.checkpoint or {}).get("images", 0)) for part in parts if part.step.name == ADJUDICATE)
    remittances = Remittance.objects.filter(night=night)
    again = staged_again(night).aggregate(lines=Sum("lines"))["lines"] or 0
    waiting = wait_again(night)
    return Standing(
        night=night, run=run, undone=night.undone,
        steps=len({part.step.name for part in parts if part.step.started_at}),
        lines=staged_lines(night.region, night.run_date), **outcomes,
        amount=dollars(remittances.aggregate(paid=Sum("paid"))["paid"] or 0), providers=remittances.count(),
        images=images, withdrawn=again, taken=again - waiting, seconds=_seconds(night),
    )  # fmt: skip


def _seconds(night: Night) -> float:
    """From its first step: of a night that is undone, that is to resume it."""
    choices = forecast(night.region, night.run_date).choices
    return choices[-1].seconds if choices else 0.0


def in_words(each: Standing) -> str:
    """One line a night."""
    said = (
        f"{each.night.run_date}  {each.status:<10} {count(each.lines, 'line')}:"
        f" {each.paid:,} paid ({money(each.amount)}), {each.denied:,} denied, {each.rejected:,} rejected"
    )
    return said + (f"; undone: {', '.join(gone)}" if (gone := what_goes(each)) else "; nothing to undo")


def what_goes(each: Standing) -> Sequence[str]:
    """What an undo takes away or puts back."""
    found = [
        (each.steps, f"what {count(each.steps, 'step')} {'has' if each.steps == 1 else 'have'} written"),
        (each.paid + each.denied, count(each.paid + each.denied, "adjudicated line")),
        (each.providers, f"remittances of {count(each.providers, 'provider')}"),
        (each.images, f"accumulators put back from {count(each.images, 'before image')}"),
        (each.withdrawn - each.taken, f"{count(each.withdrawn - each.taken, 'line')} of its rejects wait no more"),
        (each.taken, f"{count(each.taken, 'line')} of its rejects leave the later night that took them"),
    ]
    return [words for number, words in found if number and not each.undone]


def total_in_words(nights: Sequence[Standing]) -> str:
    """What they come to together."""
    paid = money(sum((each.amount for each in nights), Decimal(0)))
    seconds = sum(each.seconds for each in nights)
    return f"{count(len(nights), 'night')}, {paid} paid. To run again takes about {duration(seconds) or 'no time'}."


def as_json(each: Standing) -> Json:
    """Money as decimal text."""
    return {
        "run_date": each.night.run_date.isoformat(), "status": each.status, "run": each.run.pk if each.run else None,
        "lines": each.lines, "paid": each.paid, "denied": each.denied, "rejected": each.rejected,
        "amount": str(each.amount), "seconds": round(each.seconds, 1),
        "undone": {
            "adjudicated": each.paid + each.denied, "remittances": each.providers, "images": each.images,
            "withdrawn": each.withdrawn,
        } if not each.undone else None,
    }  # fmt: skip
