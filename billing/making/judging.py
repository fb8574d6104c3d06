"""Drafts by the rules of claims/edi/rules.py: what may be sent is validated, the rest says why not and stays a draft.

So is what was let pass once and refused when it was to be sent (billing/submitting/judging.py): it stays validated,
is not sent while `refused` says why, and is judged again with the drafts.

One judge of a region at a time: two that judge two drafts of one service at once could let both pass. The run kernel,
which keeps a live run of a region alone, sees to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from backoffice.runs.models import Run
from billing.content import claim_of
from billing.events import record
from billing.making.rebuild import rebuilt
from billing.making.rows import OF_CONTENT, line_rows, with_content
from billing.making.standing import REFUSED_SINCE, Sent, sent_of, standing_for
from billing.models import Claim, ClaimEvent, ClaimLine
from claims.edi.claims import Claim as Content
from claims.edi.rules import Problem, problems
from claims.edi.status import State
from regions.models import Region

AT_ONCE = 500
VALID = "Every rule holds: it may be sent."
HELD_BACK = (Q(state=State.DRAFT) | REFUSED_SINCE) & Q(withdrawn=False, batch_set=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A draft with what keeps it from being sent; `content` where present data make another one of it."""

    row: Claim
    content: Content | None = None
    problems: tuple[Problem, ...] = ()


def waiting(region: Region) -> QuerySet[Claim]:
    """What is held back: drafts, and what was refused when it was to be sent; by id."""
    return Claim.objects.filter(HELD_BACK, region=region).order_by("pk")


def is_held_back(row: Claim) -> bool:
    """HELD_BACK of one row, as it was read."""
    waits = row.state == State.DRAFT or (row.state == State.VALIDATED and bool(row.refused))
    return waits and not row.withdrawn and row.batch_set_id is None


def judged(region: Region, rows: Sequence[Claim], run: Run | None = None) -> list[Judged]:
    """What is held back, judged together; nothing is written. Those that `run` has made itself are made of present
    data, the others are built from it again."""
    older = [row for row in rows if row.refused or run is None or row.run_id != run.pk]
    again = rebuilt(region, older)
    built = {pk: content for pk, content in again.items() if isinstance(content, Content)}
    contents = {row.pk: built.get(row.pk) or claim_of(row.content) for row in rows}
    whole = [row for row in rows if not isinstance(again.get(row.pk), Problem)]
    good = {row.pk: contents[row.pk] for row in whole}
    found = verdicts(region, good, sent_of(region, list(good.values())))
    found |= {pk: (problem,) for pk, problem in again.items() if isinstance(problem, Problem)}
    return [
        Judged(row=row, content=_changed(row, built.get(row.pk)), problems=found[row.pk])
        for row in rows
    ]  # fmt: skip


def verdicts(region: Region, contents: Mapping[int, Content], sent: Sent) -> dict[int, tuple[Problem, ...]]:
    """One after the other, each beside what was let pass before it: what is said does not depend on the chunk. `sent`
    is added to."""
    standing = standing_for(region, list(contents.values()), sent)
    found = {}
    for pk, content in contents.items():
        found[pk] = tuple(problems(content, standing))
        if not found[pk]:
            sent.add(content)
    return found


def _changed(row: Claim, content: Content | None) -> Content | None:
    return content if content is not None and content != claim_of(row.content) else None


def keep_judged(judgements: Sequence[Judged]) -> int:
    """Write it down, and say of how many: what has changed or moved since it was read is left as it is."""
    with transaction.atomic():
        ids = [one.row.pk for one in judgements]
        locked = Claim.objects.select_for_update().filter(HELD_BACK, pk__in=ids)
        at = dict(locked.order_by("pk").values_list("pk", "changed_at"))
        mine = [one for one in judgements if at.get(one.row.pk) == one.row.changed_at]
        changed = [one for one in mine if one.content is not None or one.row.refused != reasons(one.problems)]
        record(event for one in mine for event in _events(one))
        _keep_rows(changed)
    return len(mine)


def _keep_rows(changed: Sequence[Judged]) -> None:
    rows = []
    for one in changed:
        row = with_content(one.row, one.content) if one.content is not None else one.row
        row.refused, row.changed_at = reasons(one.problems), timezone.now()
        rows.append(row)
    Claim.objects.bulk_update(rows, ["refused", "changed_at", *OF_CONTENT], batch_size=100)
    _keep_lines([one for one in changed if one.content is not None])


def _keep_lines(changed: Sequence[Judged]) -> None:
    """Nothing was ever sent of a draft, so that no answer has named its lines."""
    old = ClaimLine.objects.filter(claim__in=[one.row for one in changed]).order_by("number")
    blocks: dict[int, list[str]] = {}
    for claim_id, block in old.values_list("claim_id", "block_code"):
        blocks.setdefault(claim_id, []).append(block)
    old.delete()
    fresh = (line for one in changed if one.content for line in line_rows(one.row, one.content, blocks[one.row.pk]))
    ClaimLine.objects.bulk_create(fresh, batch_size=AT_ONCE)


def reasons(problems: Sequence[Problem]) -> list[list[str]]:
    """As Claim.refused has them."""
    return [[problem.code, problem.says] for problem in problems]


def _events(one: Judged) -> Iterator[ClaimEvent]:
    """That it is valid, or, where that is news, why it is refused."""
    if not one.problems:
        yield ClaimEvent(claim=one.row, key=State.VALIDATED.value, state=State.VALIDATED, says=VALID)
    elif one.row.refused != reasons(one.problems):
        yield refusal(one.row, one.problems)


def refusal(row: Claim, problems: Sequence[Problem]) -> ClaimEvent:
    """Why it is not sent, for its thread. It moves no claim."""
    codes = sorted({problem.code for problem in problems})
    return ClaimEvent(
        claim=row, key=f"refused {timezone.now():%Y%m%d%H%M%S%f}", code=";".join(codes)[:60],
        says=" ".join(problem.says for problem in problems)[:400],
    )  # fmt: skip


def validate(region: Region, rows: Sequence[Claim] | None = None) -> int:
    """Judge these of the region, or all that is held back, here and now: how many are valid. Repeating changes
    nothing."""
    valid, after = 0, 0
    while some := list(waiting(region).filter(pk__gt=after)[:AT_ONCE] if rows is None else rows):
        found = judged(region, some)
        keep_judged(found)
        valid += sum(not one.problems for one in found)
        after = some[-1].pk
        if rows is not None:
            break
    return valid
