"""What claims are judged against, loaded for some of them (claims/edi/standing.py)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from billing.making.rows import digest
from billing.models import Batch, BillingPayer, Claim, ClaimLine
from claims.edi.claims import Claim as Content
from claims.edi.standing import PayerStanding, Standing, service_key
from claims.edi.status import RANKS, State
from regions.models import Region

VOID = "8"
# What is not on its way to a payer, and with none: its services may be sent as another claim.
NOT_SENT = (State.DRAFT, State.FILE_FAILED, State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER)
TAKEN_BACK = [
    state for state in State if RANKS[state] >= RANKS[State.ACCEPTED_BY_PAYER] and state != State.REJECTED_BY_PAYER
]
# Let pass once, and refused when it was to be sent: like a draft it stands in nobody's way.
REFUSED_SINCE = Q(state=State.VALIDATED) & ~Q(refused=[])
OPEN = (Batch.State.BATCHED, Batch.State.UPLOADING, Batch.State.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Sent:
    """Keys of services, by their digests. What is let pass meanwhile is added."""

    digests: set[str]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, tuple) and digest(key) in self.digests

    def add(self, content: Content) -> None:
        self.digests.update(digests_of(content))


def digests_of(content: Content) -> set[str]:
    """Of the claim's services, but those that were done again on purpose."""
    return {digest(key) for line in content.lines if (key := service_key(content, line))}


def standing_for(region: Region, contents: Sequence[Content], sent: Sent | None = None) -> Standing:
    """Of today in the region: its payers, and what of these claims waits in an open batch or, unless it is given,
    stands already."""
    payers = BillingPayer.objects.filter(region=region, payer_id__in={one.payer.payer_id for one in contents})
    controls = {content.control for content in contents}
    waiting = Claim.objects.filter(region=region, control__in=controls, batch_set__batch__state__in=OPEN)
    return Standing(
        today=timezone.localdate(timezone=region.zone),
        payers={row.payer_id: PayerStanding(filing_days=row.filing_days, enrolled=row.enrolled) for row in payers},
        open_controls=set(waiting.values_list("control", flat=True)),
        sent=sent or sent_of(region, contents),
    )


def sent_of(region: Region, contents: Sequence[Content], *, in_files: bool = False) -> Sent:
    """Those of the claims' services that another one has which stands: validated or further, and neither refused,
    rejected nor taken back. `in_files`: only what is in a file already."""
    wanted = {text for content in contents for text in digests_of(content)}
    voids = Claim.objects.filter(replaces=OuterRef("claim"), frequency=VOID, withdrawn=False, state__in=TAKEN_BACK)
    lines = ClaimLine.objects.filter(service_key__in=wanted, claim__region=region, claim__withdrawn=False)
    lines = lines.exclude(claim__state__in=NOT_SENT).exclude(claim__frequency=VOID).exclude(Exists(voids))
    if in_files:
        lines = lines.exclude(claim__batch_set=None)
    else:
        lines = lines.exclude(claim__in=Claim.objects.filter(REFUSED_SINCE, region=region, batch_set=None))
    return Sent(set(lines.values_list("service_key", flat=True)))
