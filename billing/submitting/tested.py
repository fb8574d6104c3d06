"""Claims that were only ever sent in test files: no payer has them, so that once the region sends for payers they wait
as if they had not been sent.

Their test batch, and what was said of it, stay in their thread and move them no more (ClaimEvent.test).
"""

from collections.abc import Iterator, Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from backoffice.runs.job import Chunk, Json, Result
from billing.content import claim_of, stored
from billing.events import record
from billing.making.build import versioned
from billing.making.standing import VOID
from billing.models import Claim, ClaimEvent, ClaimLine
from billing.reading.said import key_of
from billing.submitting.scope import Submission
from regions.models import Region

AT_ONCE = 500
REPLACEMENT = "7"
OF_TESTS = Q(batch_set__batch__usage="T")
BASE_OF_TESTS = Q(replaces__batch_set__batch__usage="T")
SAYS = "Only sent in a test file: it is sent as if it had not been."


def only_tested(region: Region) -> QuerySet[Claim]:
    """Those that are to be sent for payers now, and replacements of such. A later version stands for the one before,
    and a void for what never is to be sent."""
    later = Claim.objects.filter(replaces=OuterRef("pk"), withdrawn=False)
    unsent = Q(frequency=REPLACEMENT, batch_set=None) & BASE_OF_TESTS
    rows = Claim.objects.filter(OF_TESTS | unsent, region=region, withdrawn=False)
    return rows.exclude(frequency=VOID).exclude(Exists(later))


def chunks(submission: Submission, checkpoint: Json | None) -> Iterator[Chunk]:
    """None while the region sends test files."""
    after = int((checkpoint or {}).get("after", 0))
    rows = only_tested(submission.region).order_by("pk").values_list("pk", flat=True)
    while not submission.clearinghouse.test and (ids := list(rows.filter(pk__gt=after)[:AT_ONCE])):
        after = ids[-1]
        yield Chunk(data=ids, checkpoint={"after": after}, label="claims of test files")


def prepare(submission: Submission, chunk: Chunk) -> Result:
    return Result(rows=chunk.data, totals={"from_test": len(chunk.data)})


def commit(submission: Submission, result: Result) -> None:
    """Under the claims' locks; what was taken away meanwhile stays as it is."""
    locked = Claim.objects.select_for_update().filter(pk__in=result.rows).order_by("pk")
    held = list(locked.values_list("pk", flat=True))
    take_out([one.pk for one in only_tested(submission.region).filter(pk__in=held).only("pk").order_by("pk")])


def take_out(ids: Sequence[int]) -> None:
    """Of their test batch. In the caller's transaction."""
    _mark(ids)
    _no_replacements(ids)
    Claim.objects.filter(pk__in=ids).update(batch_set=None, payer_claim="", changed_at=timezone.now())
    ClaimLine.objects.filter(claim__in=ids).exclude(paid=0).update(paid=0)
    now = f"tested {timezone.now():%Y%m%d%H%M%S%f}"
    record(ClaimEvent(claim_id=pk, key=now, says=SAYS) for pk in ids)


def _mark(ids: Sequence[int]) -> None:
    """What files said of them was said of a test. It gives its key back: what is said of the claim itself may be the
    same, word for word."""
    said = list(ClaimEvent.objects.filter(claim__in=ids, test=False).exclude(document=None).only("pk"))
    for event in said:
        event.test, event.key = True, key_of("test", event.pk)
    ClaimEvent.objects.bulk_update(said, ("test", "key"), batch_size=100)


def _no_replacements(ids: Sequence[int]) -> None:
    """No payer has what they replace: they are claims like others."""
    for row in Claim.objects.filter(pk__in=ids, frequency=REPLACEMENT):
        row.frequency = "1"
        row.content = stored(versioned(claim_of(row.content), row.control))
        row.save(update_fields=["frequency", "content"])
