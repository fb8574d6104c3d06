"""What is due is sent once: claimed by compare-and-set, its intent committed, handed over, its answer written down.

Whoever ends in between leaves a row that says "sending"; after STALE it says "maybe sent", and is not sent again.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown
from clinic.notices import bounces, opting
from clinic.notices.channels import Channels, Line
from clinic.notices.judging import Go, judge
from clinic.notices.models import Channel, Notice, State
from clinic.notices.moving import move, plan_again
from clinic.notices.settling import settle_unknown
from clinic.patients.locking import lock_all
from regions.models import Region

# Longer than any call takes.
STALE = timedelta(minutes=5)
# How long a message waits that could not be taken, by its tries; then it is of no use any more.
PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
BATCH = 100


def send_due(region: Region, **about: int) -> int:
    """Send all that is due of the region, or as `due` has it; how many were handed over. Any number may do so."""
    give_up_interrupted(region)
    handed = 0
    with Channels(region) as line:
        while batch := list(due(region, **about).values_list("pk", flat=True)[:BATCH]):
            handed += sum(send_one(pk, line) for pk in batch)
        settle_unknown(region, line)
    return handed


def due(region: Region, **about: int) -> QuerySet[Notice]:
    """What is to be sent by now, the longest due first; `about`: of one `appointment` or one entry, `waiting`."""
    rows = Notice.objects.filter(region=region, state=State.PLANNED, try_at__lte=timezone.now(), **about)
    return rows.order_by("try_at", "pk")


def send_one(pk: int, line: Line) -> bool:
    """Whether it was handed over by this call."""
    claimed = claim(pk, line)
    if claimed is None:
        return False
    notice, go = claimed
    answer = line.send(notice, go.letter, go.valid_until, timezone.now())
    note_answer(notice, answer)
    return not isinstance(answer, Refused)


@transaction.atomic
def claim(pk: int, line: Line) -> tuple[Notice, Go] | None:
    """The row, which is this caller's alone and says what is about to be sent; None: nothing is to be sent.

    From the look at the patient to the row that says "sending" the patient is held: one who was removed gets nothing,
    and a removal in the same moment comes after and empties the row.
    """
    rows = Notice.objects.filter(pk=pk, state=State.PLANNED, try_at__lte=timezone.now())
    lock_all(rows.values_list("patient", flat=True))
    notice = rows.select_related("region", "patient__region").first()
    if notice is None:
        return None
    now = timezone.now()
    go = judge(notice, line, now)
    if go is None or not move(
        notice, [State.PLANNED], State.SENDING, tries=notice.tries + 1, claimed_at=now, valid_until=go.valid_until,
        try_at=now + STALE,
    ):  # fmt: skip
        return None
    notice.to, notice.body = go.to, go.letter.body
    notice.save(update_fields=["to", "body"])
    return notice, go


@transaction.atomic
def note_answer(notice: Notice, answer: Sent) -> None:
    """What became of a message that this caller has claimed. A receipt may have been faster, and knows more."""
    now = timezone.now()
    if isinstance(answer, Accepted):
        if not move(notice, [State.SENDING], State.SENT, sent_at=now, vendor_id=answer.id):
            Notice.objects.filter(pk=notice.pk, vendor_id="").update(vendor_id=answer.id, sent_at=now)
    elif isinstance(answer, Unknown):
        move(notice, [State.SENDING], State.MAYBE_SENT, "unanswered", code=answer.code, try_at=now)
    else:
        _note_refusal(notice, answer, now)


def _note_refusal(notice: Notice, refused: Refused, now: datetime) -> None:
    """Certainly not sent: again later where that may help, while it is of use."""
    mine = [State.SENDING]
    if refused.why in ("busy", "account", "quiet"):
        pause = PAUSES[min(notice.tries, len(PAUSES)) - 1]
        pause = max(pause, timedelta(seconds=refused.retry_after or 0))
        plan_again(notice, mine, now + pause, "account" if refused.why == "account" else "busy", code=refused.code)
    elif refused.why == "opted_out":
        if notice.channel == Channel.SMS:
            opting.stop(notice.region, str(notice.to))
        move(notice, mine, State.NOT_SENT, "opted_out", code=refused.code)
    else:
        if notice.channel == Channel.SMS:
            bounces.note(notice.region, str(notice.to), refused.code)
        move(notice, mine, State.FAILED, refused.why, code=refused.code)


def give_up_interrupted(region: Region) -> int:
    """Rows whose sender has ended with the answer: they may have been sent."""
    stale = Notice.objects.filter(region=region, state=State.SENDING, try_at__lte=timezone.now())
    return sum(
        move(row, [State.SENDING], State.MAYBE_SENT, "interrupted", try_at=timezone.now()) for row in stale[:BATCH]
    )
