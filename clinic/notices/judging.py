"""Whether a message that is due is sent now: the last look before the intent is written down."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.keyring import SecretUnreadable
from clinic.booking.models import Appointment
from clinic.notices import bounces, opting
from clinic.notices.channels import ChannelOff, Line, contact_of
from clinic.notices.models import BedTimeEnrolment, Channel, Kind, Notice, State
from clinic.notices.moments import is_quiet, night_begins, not_at_night
from clinic.notices.moving import move, plan_again
from clinic.notices.offering import is_open
from clinic.notices.planning import still_true, why_not_true, zone_of
from clinic.notices.texts import Letter, letter_for

# A message is not handed over in the last minute before the night, nor kept by the vendor into it.
MARGIN = timedelta(minutes=1)
LONGEST = timedelta(hours=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Go:
    """Send this there now; the vendor may keep it until `valid_until`."""

    to: str
    letter: Letter
    valid_until: datetime


def judge(notice: Notice, line: Line, now: datetime) -> Go | None:
    """What to send; None where the row has moved elsewhere instead. Inside the transaction of the claim."""
    if _is_over(notice) or _is_late(notice, now) or _is_night(notice, now):
        return None
    try:
        to = contact_of(notice.patient, notice.channel)
        why_not = _why_not(notice, to, line)
        if why_not:
            move(notice, [State.PLANNED], State.NOT_SENT, why_not)
            return None
        letter = letter_for(
            notice.region, notice.patient, notice.kind, notice.channel, notice.begins, notice.useful_until
        )
    except SecretUnreadable:
        move(notice, [State.PLANNED], State.FAILED, "unreadable")
        return None
    return Go(to=to, letter=letter, valid_until=valid_until(notice, now))


def valid_until(notice: Notice, now: datetime) -> datetime:
    """Until when it may be delivered: while it is of use, and before the night."""
    until = min(now + LONGEST, notice.useful_until)
    return until if notice.kind == Kind.BEDTIME else min(until, night_begins(now, zone_of(notice.patient)))


def _is_over(notice: Notice) -> bool:
    """Whether the appointment, enrolment or offer stands otherwise than the message would say."""
    if notice.enrolment_id is not None:
        if BedTimeEnrolment.objects.filter(pk=notice.enrolment_id, ended_at=None).exists():
            return False
        return move(notice, [State.PLANNED], State.WITHDRAWN, "unsubscribed") or True
    if notice.waiting_id is not None:
        return not is_open(notice) and (move(notice, [State.PLANNED], State.WITHDRAWN, "offer_over") or True)
    appointment = Appointment.objects.get(notices=notice)
    if still_true(notice.kind, notice.begins, appointment):
        return False
    return move(notice, [State.PLANNED], State.WITHDRAWN, why_not_true(notice, appointment)) or True


def _is_late(notice: Notice, now: datetime) -> bool:
    if now <= notice.useful_until:
        return False
    reason = notice.reason if notice.reason in ("busy", "account") else "past"
    state = State.NOT_SENT if reason == "past" else State.FAILED
    return move(notice, [State.PLANNED], state, reason) or True


def _is_night(notice: Notice, now: datetime) -> bool:
    """What the patient has asked to have at bedtime comes at bedtime."""
    zone = zone_of(notice.patient)
    if notice.kind == Kind.BEDTIME or not (is_quiet(now, zone) or is_quiet(now + MARGIN, zone)):
        return False
    return plan_again(notice, [State.PLANNED], not_at_night(now + MARGIN, zone), "night") or True


def _why_not(notice: Notice, to: str, line: Line) -> str:
    """The word for what keeps this person from this channel."""
    if not to:
        return "no_contact"
    if notice.channel == Channel.SMS:
        if opting.is_stopped(notice.region, to):
            return "opted_out"
        if bounces.comes_back(notice.region, to):
            return "bounced"
    try:
        line.check(notice.channel)
    except ChannelOff:
        return "channel_off"
    return ""
