"""A message from outside becomes a row, word for word, and the events that it tells of, in one transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db import IntegrityError, transaction

from clinic.events.consumers import Event
from clinic.events.inbound.forgetting import LINK
from clinic.events.inbound.matching import resolve
from clinic.events.inbound.models import Inbound, Unmatched
from clinic.events.models import Outbox
from clinic.events.outbox import record
from regions.models import Region

log = structlog.get_logger(__name__)


class OtherMessage(Exception):
    """The sender has used this message's id before, for another message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One event of a message: ids, instants and codes; nothing of the patient's."""

    type: str
    subject: str
    data: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What came: `id` is the sender's, `body` what it sent."""

    channel: str
    protocol: str
    id: str
    body: bytes


class _Known(Exception):
    """The message was stored before."""


def store(region: Region, message: Message, told: Sequence[Told]) -> bool:
    """Keep the message and record its events; False, and nothing is done, where it was stored before.

    OtherMessage where what was stored before under this id is something else.
    """
    try:
        with transaction.atomic():
            kept = _keep(region, message)
            # In one order, whatever the message's: two messages may tell of the same subjects (outbox.record).
            for one in sorted(told, key=lambda one: one.subject):
                _record(kept, one)
    except _Known:
        before = Inbound.objects.get(region=region, **_key(message))
        if before.digest != _digest(message):
            raise OtherMessage from None
        return False
    return True


def _keep(region: Region, message: Message) -> Inbound:
    row = Inbound(region=region, digest=_digest(message), **_key(message))
    row.body = _text(message.body)
    try:
        row.save(force_insert=True)
    except IntegrityError:
        raise _Known from None
    return row


def _record(kept: Inbound, told: Told) -> Event:
    region, channel = kept.region, kept.channel
    event = record(region, told.type, told.subject, {**told.data, LINK: kept.pk})
    try:
        with transaction.atomic():
            subject = resolve(channel, event)
    except Exception as error:  # what cannot be asked now is asked again
        log.warning("resolver_failed", number=event.number, error=type(error).__name__)
        subject = None
    if subject is None:
        Unmatched.objects.create(region=region, channel=channel, event_id=event.number)
    else:
        Outbox.objects.filter(pk=event.number).update(data={**event.data, "matched": subject})
    return event


def _text(body: bytes) -> str:
    """Without loss, whatever it is: what is not UTF-8 is read byte by byte."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _key(message: Message) -> dict[str, str]:
    return {"channel": message.channel, "protocol": message.protocol, "message_id": message.id}


def _digest(message: Message) -> str:
    return hashlib.sha256(message.body).hexdigest()
