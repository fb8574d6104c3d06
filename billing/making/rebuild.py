"""Drafts once more, from what is known now: a refused claim is mended by loading better data, never by hand."""

from collections import defaultdict
from collections.abc import Sequence

from billing.content import claim_of
from billing.making.build import drafts, missing, versioned
from billing.making.known import Known, known_of
from billing.making.sources import Source, origin_of, sources_of
from billing.models import Claim, ClaimLine
from claims.edi.claims import Claim as Content
from claims.edi.rules import Problem
from regions.models import Region

VOID = "8"
Rebuilt = Content | Problem
LACKING = "What it was made of lacks now: {}. Load it, and the claim is made again."
REGROUPED = "Its services are billed as other claims since the charge master changed: change that back, or withdraw it."


def rebuilt(region: Region, rows: Sequence[Claim]) -> dict[int, Rebuilt]:
    """By primary key: each row's content as present data makes it, under the row's own number, or why there is none.

    A void repeats what it takes back, and what was made of no services of ours stays: they are not among them.
    """
    remakeable = [row for row in rows if row.frequency != VOID and origin_of(row)]
    sources = sources_of(remakeable, region)
    known, blocks = known_of(region, list(sources.values())), _blocks(remakeable)
    made = {}
    for row in remakeable:
        source = sources.get(origin_of(row) or ("", 0))
        if source is not None:
            made[row.pk] = _rebuilt(row, source, known, blocks[row.pk])
    return made


def _rebuilt(row: Claim, source: Source, known: Known, blocks: tuple[str, ...]) -> Rebuilt:
    if lacks := missing(source, known):
        return Problem("missing", LACKING.format(", ".join(sorted({what for what, _ in lacks}))))
    for draft in drafts(source, known):
        if (draft.kind, draft.part, draft.blocks) == (row.kind, row.part, blocks):
            return versioned(draft.claim, row.control, row.frequency, claim_of(row.content).original)
    return Problem("regrouped", REGROUPED)


def _blocks(rows: Sequence[Claim]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    lines = ClaimLine.objects.filter(claim__in=rows).order_by("claim", "number")
    for claim_id, block in lines.values_list("claim_id", "block_code"):
        found[claim_id].append(block)
    return defaultdict(tuple, {claim_id: tuple(codes) for claim_id, codes in found.items()})
