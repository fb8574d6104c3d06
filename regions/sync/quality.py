"""How good the numbers of each source are: what cleaning had to do to them, and why some hold no number.

Sources are what the sheets say in their column (WhatsApp, front desk, survey), so that data is put right where it is
entered. A source that is spelled in several ways counts once.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Max, QuerySet

from backoffice.exports import Row
from backoffice.runs.models import Run
from regions.models import Region
from regions.sync import verdict
from regions.sync.models import PhoneRow
from regions.sync.scope import UNDO

REFUSED, MENDED = "refused", "mended"
NAMELESS = "no source"
UNJUDGED = "unexpected fault"
COLUMNS = ("region", "source", "kind", "what", "rows", "of", "share_percent")


@dataclass(kw_only=True, slots=True)
class Source:
    """One source: `rows` were read of it. `clean`: usable as they stood. counts: {(kind, reason or rule): rows}."""

    name: str
    rows: int = 0
    refused: int = 0
    clean: int = 0
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def mended(self) -> int:
        return self.rows - self.refused - self.clean


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """The sources of some regions, the one with most rows first, and the reasons and rules that occur, most first."""

    sources: list[Source]
    whole: Source
    reasons: list[str]
    rules: list[str]


def rows_between(region: Region, first: date, last: date, *, each_reading: bool) -> QuerySet[PhoneRow]:
    """The region's rows that were read on these days of its zone, both included.

    Each row of the sheet once, as it was read last; or `each_reading` of it. Undoing reads no sheet.
    """
    begins = datetime.combine(first, time(), region.zone)
    ends = datetime.combine(last + timedelta(days=1), time(), region.zone)
    undos = Run.objects.filter(job="sync_phones", region=region, parameters__mode=UNDO)
    rows = (
        PhoneRow.objects.filter(region=region, created_at__gte=begins, created_at__lt=ends)
        .exclude(run__in=list(undos.values_list("pk", flat=True)))
        .order_by()
    )
    if each_reading:
        return rows
    return PhoneRow.objects.filter(pk__in=rows.values("row").annotate(last=Max("pk")).values("last")).order_by()


def quality_of(found: list[QuerySet[PhoneRow]]) -> Quality:
    """The figures of these rows; counted by the database, a handful of groups whatever their number."""
    spelled: dict[str, Counter[str]] = {}
    sources: dict[str, Source] = {}
    whole = Source(name="all sources")
    for rows in found:
        for source, rules, outcome, reason, n in rows.values_list("source", "rules", "outcome", "reason").annotate(
            n=Count("pk")
        ):
            key = " ".join(source.casefold().split())
            spelled.setdefault(key, Counter())[source] += n
            for one in (sources.setdefault(key, Source(name="")), whole):
                _count(one, rules, _refusal(outcome, reason), n)
    for key, one in sources.items():
        one.name = spelled[key].most_common(1)[0][0] or NAMELESS
    return Quality(
        sources=sorted(sources.values(), key=lambda one: (-one.rows, one.name)),
        whole=whole,
        reasons=_most_first(whole, REFUSED),
        rules=_most_first(whole, MENDED),
    )


def report_rows(region: Region, quality: Quality) -> Iterator[Row]:
    """COLUMNS of one region's figures, for an export."""
    for source in quality.sources:
        for kind, codes in ((REFUSED, quality.reasons), (MENDED, quality.rules)):
            for code in codes:
                if n := source.counts[kind, code]:
                    yield region.name, source.name, kind, code, n, source.rows, f"{n / source.rows * 100:.1f}"


def _refusal(outcome: str, reason: str) -> str:
    """Why the cell holds no number that can be used, or that nobody knows whether it does; "" where it holds one."""
    if outcome == verdict.INVALID_PHONE:
        return reason
    return UNJUDGED if outcome == verdict.UNEXPECTED else ""


def _count(source: Source, rules: str, reason: str, n: int) -> None:
    source.rows += n
    if reason:
        source.refused += n
        source.counts[REFUSED, reason] += n
        return
    source.clean += 0 if rules else n
    for rule in filter(None, rules.split("; ")):
        source.counts[MENDED, rule] += n


def _most_first(source: Source, kind: str) -> list[str]:
    found = [(-n, code) for (of_kind, code), n in source.counts.items() if of_kind == kind]
    return [code for _, code in sorted(found)]
