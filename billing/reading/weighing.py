"""How much of what a set says is of claims and batches of ours, and how much of it was said before."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from billing.bulk import Among
from billing.events import in_portions
from billing.models import Answer, Claim, ClaimEvent
from billing.reading.payments import Judged, from_835
from billing.reading.said import Mark, Statement, kept, key_of
from billing.reading.scope import Reading
from billing.reading.status import from_277
from billing.reading.syntax import from_999, from_ta1
from claims.edi.envelope import Transaction
from regions.models import Region

FROM = {"TA1": from_ta1, "999": from_999, "997": from_999, "277": from_277}


@dataclass(kw_only=True, slots=True)
class Weighed:
    """Counts of statements. `known`: of the matched ones, those that are stored; `kept`: of the others."""

    matched: int = 0
    unmatched: int = 0
    known: int = 0
    kept: int = 0
    marks: int = 0

    @property
    def anything_new(self) -> bool:
        return self.matched + self.unmatched > self.known + self.kept


def statements(
    reading: Reading, transaction: Transaction, said: Iterable[Any], judged: Judged | None = None
) -> Iterator[Statement | Mark]:
    """What a set says. Nothing, of a kind that is only kept. With `judged`, which is filled on the way, a payment is
    read to judge it, and its statements are not whole."""
    if transaction.kind == "835":
        yield from from_835(reading, transaction, said, judged or Judged(), told=judged is None)
    elif statements_of := FROM.get(transaction.kind):
        yield from statements_of(reading, transaction, said)


def weigh(region: Region, found: Iterable[Statement | Mark], *, look_up: bool = True) -> Weighed:
    """Reads all of it. Without `look_up` it is not asked what of it is stored."""
    weighed = Weighed()
    for some in in_portions(found):
        told = [each for each in some if isinstance(each, Statement)]
        weighed.marks += len(some) - len(told)
        matched, unmatched = matching(region, told)
        weighed.matched += len(matched)
        weighed.unmatched += len(unmatched)
        if look_up:
            weighed.known += len(known_events(matched))
            weighed.kept += len(known_answers(region, unmatched))
    return weighed


Matched = list[tuple[Statement, int]]


def matching(region: Region, told: Sequence[Statement]) -> tuple[Matched, list[Statement]]:
    """Each statement with the id of its claim, and those that have none in this region. One query."""
    wanted = {kept(each.reference, 20) for each in told if each.of_claim and each.claim is None} - {""}
    rows = Claim.objects.filter(Among("control", wanted), region=region).values_list("control", "pk")
    claims = dict(rows) if wanted else {}
    matched: Matched = []
    unmatched = []
    for each in told:
        claim = each.claim if each.claim is not None else claims.get(each.reference)
        if claim is None or not each.of_claim:
            unmatched.append(each)
        else:
            matched.append((each, claim))
    return _of_tests(matched), unmatched


def _of_tests(matched: Matched) -> Matched:
    """What answers a test file moves its claim, but for one that was taken out of its test file since
    (billing/submitting/tested.py): of that it is kept under a key of its own."""
    tests = {claim for each, claim in matched if each.test}
    if not tests:
        return matched
    out = set(ClaimEvent.objects.filter(Among("claim_id", tests), test=True).values_list("claim_id", flat=True))
    return [(_of_test(each, claim in out) if each.test else each, claim) for each, claim in matched]


def _of_test(statement: Statement, out: bool) -> Statement:
    return replace(statement, test=out, key=key_of("test", statement.key) if out else statement.key)


def known_events(matched: Matched) -> set[tuple[int, str]]:
    """(claim, key) of those that are stored."""
    keys = {(claim, each.key) for each, claim in matched}
    if not keys:
        return set()
    rows = ClaimEvent.objects.filter(Among("claim_id", {claim for claim, _ in keys}))
    return keys & set(rows.filter(Among("key", {key for _, key in keys})).values_list("claim_id", "key"))


def known_answers(region: Region, unmatched: Sequence[Statement]) -> set[str]:
    """Keys of those that are kept, whoever has resolved them."""
    if not unmatched:
        return set()
    references = {kept(each.reference, 80) for each in unmatched}
    rows = Answer.objects.filter(Among("reference", references), region=region).values_list("detail", flat=True)
    return {each.key for each in unmatched} & {detail.get("key", "") for detail in rows.iterator()}
