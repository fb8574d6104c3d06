"""STOP and START: by number and region, at once, and for good until the other one comes.

A number is found by a keyed digest. Rows whose digest was made with an earlier SECRET_KEY are made anew before one is
looked for, so that no STOP is lost with the key.
"""

import hashlib
import re

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from clinic.notices.models import HeededText, OptOut
from regions.models import Region

# Twilio's own words ("Advanced Opt-Out"), whatever else the account has; it tells ours by OptOutType.
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
START = frozenset({"START", "YES", "UNSTOP"})
WORD = re.compile(r"[^\W_]+")


@transaction.atomic
def heed(region: Region, number: str, body: str, sid: str, kind: str = "") -> str:
    """What a person wrote: "stop", "start" or "" for anything else, and for a message that comes again.

    `kind` is Twilio's OptOutType where it says it. Whose first word is a STOP wants no more, whatever follows; START is
    the whole message.
    """
    said = _said(kind or body)
    if not said or not _is_new(region, sid):
        return ""
    (stop if said == "stop" else start)(region, number, sid)
    return said


def _said(text: str) -> str:
    words = WORD.findall(text.upper())
    if words and words[0] in STOP:
        return "stop"
    return "start" if len(words) == 1 and words[0] in START else ""


def _is_new(region: Region, sid: str) -> bool:
    try:
        with transaction.atomic():
            HeededText.objects.create(region=region, sid=sid)
    except IntegrityError:
        return False
    return True


def stop(region: Region, number: str, sid: str = "") -> None:
    """No SMS any more. A message of Twilio's that comes twice stops once: START may have come in between."""
    _renew(region)
    if sid and OptOut.objects.filter(region=region, stop_sid=sid).exists():
        return
    row = OptOut(region=region, digest=digest_of(number), key=key_name(), stop_sid=sid)
    row.number = number
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return  # it has stopped already


def start(region: Region, number: str, sid: str = "") -> None:
    """SMS again; a message that comes twice starts once."""
    _renew(region)
    if sid and OptOut.objects.filter(region=region, start_sid=sid).exists():
        return
    _standing(region).filter(digest=digest_of(number)).update(started_at=timezone.now(), start_sid=sid)


def is_stopped(region: Region, number: str) -> bool:
    _renew(region)
    return _standing(region).filter(digest=digest_of(number)).exists()


def digest_of(number: str) -> str:
    return salted_hmac("clinic.notices.opting", number, algorithm="sha256").hexdigest()


def key_name() -> str:
    """Which SECRET_KEY it is, without telling it."""
    return hashlib.sha256(b"clinic.notices.opting" + settings.SECRET_KEY.encode()).hexdigest()[:16]


def _standing(region: Region) -> models.QuerySet[OptOut]:
    return OptOut.objects.filter(region=region, started_at=None)


def _renew(region: Region) -> None:
    for row in _standing(region).exclude(key=key_name()):
        changes = {"digest": digest_of(str(row.number)), "key": key_name()}
        try:
            with transaction.atomic():
                OptOut.objects.filter(pk=row.pk).update(**changes)
        except IntegrityError:
            OptOut.objects.filter(pk=row.pk).update(started_at=timezone.now())  # it has stopped once more since
