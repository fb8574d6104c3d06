"""What may have been sent by SMS: Twilio is asked whether it has it (decision 81). Nobody else can be asked."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from backoffice.adapters.sms import Found, SmsRefused, SmsUnavailable
from backoffice.adapters.sms_codes import meaning
from backoffice.keyring import SecretUnreadable
from clinic.notices import bounces
from clinic.notices.channels import ChannelOff, Line
from clinic.notices.models import Channel, Notice, State
from clinic.notices.moving import move, plan_again
from regions.models import Region

# Between two questions about one message; how far Twilio's clock may be from ours; and how long a message that is not
# valid any more may take to show in the list as delivered.
PAUSE, SKEW, GRACE = timedelta(minutes=10), timedelta(minutes=2), timedelta(minutes=10)
BATCH = 50
FINAL = {"delivered": State.DELIVERED, "undelivered": State.FAILED, "failed": State.FAILED, "canceled": State.FAILED}
OPEN = (State.SENDING, State.SENT, State.MAYBE_SENT)


def settle_unknown(region: Region, line: Line) -> None:
    """Ask about each row that may have been sent, where it is time."""
    rows = Notice.objects.select_related("region", "patient__region").filter(
        region=region, state=State.MAYBE_SENT, channel=Channel.SMS, try_at__lte=timezone.now()
    )
    for notice in rows[:BATCH]:
        try:
            _settle(notice, line)
        except (SmsUnavailable, SmsRefused, ChannelOff, SecretUnreadable):
            _ask_again(notice)


def _settle(notice: Notice, line: Line) -> None:
    asked_at = timezone.now()
    claimed_at, valid_until = notice.claimed_at or asked_at, notice.valid_until or asked_at
    found = line.sms().find(str(notice.to), str(notice.body), claimed_at - SKEW, lambda sid: _is_anothers(notice, sid))
    if found is not None:
        if not _take(notice, found):
            _ask_again(notice)
    elif asked_at > valid_until + GRACE:
        plan_again(notice, [State.MAYBE_SENT], asked_at, "not_there")
    else:
        _ask_again(notice)


@transaction.atomic
def _take(notice: Notice, found: Found) -> bool:
    """Whether the message is this row's now. One after the other in a region, and not while a row that is alike waits
    for its answer: the message may be that one's."""
    list(Region.objects.select_for_update(no_key=True).filter(pk=notice.region_id).values_list("pk"))
    sending = Notice.objects.filter(region=notice.region_id, channel=Channel.SMS, state=State.SENDING)
    alike = (str(one.body) == str(notice.body) and str(one.to) == str(notice.to) for one in sending)
    if any(alike) or _is_anothers(notice, found.sid):
        return False
    note_status(notice, found, "found")
    return True


def _is_anothers(notice: Notice, sid: str) -> bool:
    return Notice.objects.filter(vendor_id=sid).exclude(pk=notice.pk).exists()


@transaction.atomic
def note_status(notice: Notice, found: Found, reason: str) -> bool:
    """What Twilio says of the message. Its last word stays, in whatever order its words come."""
    state = FINAL.get(found.status, State.SENT)
    changes: dict[str, Any] = {"vendor_id": found.sid, "sent_at": notice.sent_at or timezone.now()}
    if state == State.SENT:
        return move(notice, [State.SENDING, State.MAYBE_SENT], State.SENT, reason, **changes)
    if state == State.DELIVERED:
        return move(notice, OPEN, State.DELIVERED, reason, **changes)
    code = str(found.error or "")
    if not move(notice, OPEN, State.FAILED, _why(code), code=code, **changes):
        return False
    bounces.note(notice.region, str(notice.to), code)
    return True


def _why(code: str) -> str:
    return meaning(int(code))[0] if code else "other"


def _ask_again(notice: Notice) -> None:
    Notice.objects.filter(pk=notice.pk, state=State.MAYBE_SENT).update(try_at=timezone.now() + PAUSE)
