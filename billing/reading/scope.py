"""What lives for one part of a reading: the region, whom its files are addressed to, and which denials are none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backoffice.runs.models import StepPart
from claims.edi.adjudication import USUAL_REASONS, Reasons
from regions.clearinghouse_keys import USUAL
from regions.models import Region
from regions.of_run import region_of


@dataclass(kw_only=True)
class Reading:
    """`addresses`: our ids in ISA08 and GS03, empty where the region has not said them. `others`: those of the other
    regions that are not ours as well; `beside`: of these, those of regions that read the same mailbox."""

    region: Region
    addresses: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    reasons: Reasons = field(default=USUAL_REASONS)


def reading_of(region: Region) -> Reading:
    """As the region's clearinghouse settings say; no login is needed to read what is here."""
    told = region.clearinghouse
    rest = list(Region.objects.exclude(pk=region.pk).values_list("clearinghouse", flat=True))
    ours, others = _ids(told), frozenset(name for each in rest for name in _ids(each))
    beside = frozenset(name for each in rest if _mailbox(each) == _mailbox(told) for name in _ids(each))
    reasons = Reasons(contractual=frozenset(told["contractual"])) if "contractual" in told else USUAL_REASONS
    return Reading(region=region, addresses=ours, others=others - ours, beside=beside - ours, reasons=reasons)


def _mailbox(told: Mapping[str, Any]) -> list[Any]:
    return [{**USUAL, **told}.get(key) for key in ("host", "port", "user", "outbound")]


def _ids(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(told[key] for key in ("sender", "group_sender", "submitter_id") if told.get(key))


@contextmanager
def open_reading(part: StepPart) -> Iterator[Reading]:
    yield reading_of(region_of(part))
