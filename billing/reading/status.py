"""277: what became of claims on their way. A rejection of a batch or provider is told to each claim concerned.

Source: edi.md 6.3. The reader pushes rejections down; here it is told which claims there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from billing.models import BatchSet, BillingProvider
from billing.reading.batches import claims_in, meant
from billing.reading.said import Mark, Statement, kept, key_of
from billing.reading.scope import Reading
from billing.reading.totals import totals_of
from claims.edi.code_texts import STATUSES, category_says
from claims.edi.envelope import Transaction
from claims.edi.outbound import is_of_test
from claims.edi.read_277ca import Sent, Status, StatusAnswer, pushed_down
from claims.edi.status import REJECTED, of_categories

KIND = "277"
LINES_SHOWN = 50


@dataclass(slots=True)
class _Heads:
    """What a set says of batches and providers; few. `claims`: whether it says anything of a claim."""

    reading: Reading
    transaction: Transaction
    found: list[StatusAnswer] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    providers: set[tuple[str, str]] = field(default_factory=set)
    claims: bool = False

    def watched(self, said: Iterable[Any]) -> Iterator[StatusAnswer]:
        for answer in said:
            if isinstance(answer, StatusAnswer):
                self.references.add(answer.batch)
                self.claims = self.claims or answer.level == "claim"
                if answer.level != "claim":
                    self.found.append(answer)
                yield answer

    def sets(self, references: Iterable[str]) -> list[BatchSet]:
        """Ours of these BHT03, each of the batch that the answer is meant for."""
        wanted = [kept(reference, 30) for reference in references if reference]
        rows = BatchSet.objects.filter(batch__region=self.reading.region, reference__in=wanted).select_related("batch")
        named: dict[str, list[BatchSet]] = defaultdict(list)
        for one in rows:
            named[one.reference].append(one)
        return [found for some in named.values() if (found := self._meant(some)) is not None]

    def _meant(self, some: list[BatchSet]) -> BatchSet | None:
        batch = meant(self.reading, [one.batch for one in some], self.transaction)
        return next((one for one in some if one.batch == batch), None)

    def sent(self) -> Iterator[Sent]:
        """The claims of the batches of which something is rejected, when all answers were read."""
        rejected = {head.batch for head in self.found if head.is_rejection}
        tax_ids = dict(BillingProvider.objects.filter(region=self.reading.region).values_list("npi", "tax_id"))
        for one in self.sets(rejected):
            for _, control, provider in claims_in([one]):
                tax_id = tax_ids.get(provider, provider)
                self.providers |= {(one.reference, provider), (one.reference, tax_id)}
                yield Sent(account=control, batch=one.reference, provider=provider, tax_id=tax_id)


def from_277(reading: Reading, transaction: Transaction, said: Iterable[Any]) -> Iterator[Statement | Mark]:
    heads = _Heads(reading, transaction)
    for answer in pushed_down(heads.watched(said), heads.sent()):
        yield _of_claim(answer, transaction)
    known = heads.sets(heads.references)
    totals = dict(totals_of(reading.region, heads.found, known))
    for batch in sorted({one.batch_id for one in known}):
        of_it = [(one.pk, totals[one.pk]) for one in known if one.batch_id == batch and one.pk in totals]
        yield Mark(batch=batch, answered=True, totals=of_it)
    ours = {one.reference for one in known}
    for head in heads.found:
        if _concerns_nothing(head, heads, ours):
            yield _of_nothing(head, transaction)


def _concerns_nothing(head: StatusAnswer, heads: _Heads, ours: set[str]) -> bool:
    """A batch, or a provider of a batch, that is not ours. The receipt of a batch is not kept where claims of it are
    answered: these tell more."""
    if head.batch not in ours:
        return head.is_rejection or (head.level == "batch" and not heads.claims)
    return head.is_rejection and head.level == "provider" and (head.batch, head.provider) not in heads.providers


def _of_claim(answer: StatusAnswer, transaction: Transaction) -> Statement:
    statuses = answer.all_statuses
    state = of_categories((status.category for status in statuses), answer.source)
    return Statement(
        kind=KIND,
        reference=answer.account,
        key=key_of(KIND, answer.source, answer.account, answer.payer_claim, answer.clearinghouse_claim, _codes(answer)),
        state=state or "",
        segment=max(0, answer.segment - transaction.segment + 1),
        code=_code(statuses),
        says=_says(statuses),
        detail=_detail(answer),
        day=transaction.day,
        test=transaction.usage == "T" or is_of_test(answer.batch),
    )


def _of_nothing(head: StatusAnswer, transaction: Transaction) -> Statement:
    return Statement(
        kind=KIND,
        reference=head.batch if head.level == "batch" else f"{head.batch} {head.provider}",
        key=key_of(KIND, head.level, head.source, head.batch, head.provider, _codes(head)),
        of_claim=False,
        segment=max(0, head.segment - transaction.segment + 1),
        code=_code(head.all_statuses),
        says=_says(head.all_statuses),
        amount=head.rejected_amount or None,
        detail=_detail(head),
    )


def _deciding(statuses: list[Status]) -> Status:
    """The first rejection, or the first."""
    return next((status for status in statuses if status.category in REJECTED), statuses[0])


def _code(statuses: list[Status]) -> str:
    chosen = _deciding(statuses)
    return ":".join(filter(None, (chosen.category, chosen.code, chosen.entity)))


def _says(statuses: list[Status]) -> str:
    chosen = _deciding(statuses)
    return " ".join(filter(None, (category_says(chosen.category), STATUSES.get(chosen.code, ""))))


def _codes(answer: StatusAnswer) -> list[Any]:
    lines = [[kept(line.reference, 30), _listed(line.statuses)] for line in answer.lines[:LINES_SHOWN]]
    return [_listed(answer.statuses), lines]


def _listed(statuses: list[Status]) -> list[list[str]]:
    return [
        [kept(part, 10) for part in (status.category, status.code, status.entity, status.action)] for status in statuses
    ]


def _detail(answer: StatusAnswer) -> dict[str, Any]:
    statuses, lines = _codes(answer)
    said = {
        "source": kept(answer.source, 3),
        "statuses": statuses,
        "line_statuses": lines,
        "payer_claim": kept(answer.payer_claim, 50),
        "clearinghouse_claim": kept(answer.clearinghouse_claim, 50),
    }
    return {name: value for name, value in said.items() if value}
