"""The one place in which a row of the ledger is made and moves: by compare-and-set, with a line of its history."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.notices.models import Notice, NoticeStep, State


def make(notice: Notice) -> bool:
    """Insert the row; False where one with its key is there already."""
    try:
        with transaction.atomic():
            notice.save(force_insert=True)
            _step(notice.pk, notice.state, notice.reason, "")
    except IntegrityError:
        return False
    return True


@transaction.atomic
def move(
    notice: Notice, before: Iterable[str], after: str, reason: str = "", *, code: str = "", **changes: Any
) -> bool:
    """Move the row where it is still in one of the states; whether it was. `notice` is then as the database has it."""
    mine = Notice.objects.filter(pk=notice.pk, state__in=list(before))
    now = timezone.now()
    if not mine.update(state=after, reason=reason, code=code, changed_at=now, **changes):
        return False
    _step(notice.pk, after, reason, code)
    for name, value in {"state": after, "reason": reason, "code": code, "changed_at": now, **changes}.items():
        setattr(notice, name, value)
    return True


def plan_again(notice: Notice, before: Iterable[str], at: datetime, reason: str, *, code: str = "") -> bool:
    """To be sent then, or not at all where it is of no use by then."""
    if at > notice.useful_until:
        return move(notice, before, State.FAILED if code else State.NOT_SENT, _end_of(reason), code=code)
    return move(notice, before, State.PLANNED, reason, code=code, try_at=at)


def _end_of(reason: str) -> str:
    return {"night": "quiet", "again": "busy", "not_there": "past"}.get(reason, reason)


def _step(notice: int, state: str, reason: str, code: str) -> None:
    NoticeStep.objects.create(notice_id=notice, state=state, reason=reason, code=code)
