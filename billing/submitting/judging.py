"""The rules once more (edi.md 5.6), of claims that are about to be sent: since they were validated a filing window may
have ended, or a payer gone. What is refused now waits among the refused claims and is judged again with the drafts."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from billing.events import in_portions, record
from billing.making.judging import reasons, refusal, verdicts
from billing.making.standing import Sent, sent_of
from billing.models import Claim
from claims.edi.claims import Claim as Content
from claims.edi.rules import Problem
from claims.edi.status import State
from regions.models import Region

Refused = tuple[Claim, tuple[Problem, ...]]


def refused_now(region: Region, rows: Mapping[str, Claim], contents: Sequence[Content]) -> list[Refused]:
    """Those of the validated claims, by CLM01, that may not be sent today; nothing is written. Each is judged beside
    what is in a file and what is let pass before it here, so that none is a duplicate of itself."""
    sent = Sent(set())
    found: list[Refused] = []
    for some in in_portions(contents):
        here = {rows[content.control].pk: content for content in some}
        sent.digests.update(sent_of(region, some, in_files=True).digests)
        said = verdicts(region, here, sent)
        found += [(rows[content.control], said[pk]) for pk, content in here.items() if said[pk]]
    return found


def keep_refused(refused: Sequence[Refused]) -> None:
    """In the caller's transaction; what was taken away meanwhile stays as it is."""
    said = []
    for row, problems in refused:
        waiting = Claim.objects.filter(pk=row.pk, state=State.VALIDATED, batch_set=None, withdrawn=False)
        if waiting.update(refused=reasons(problems), changed_at=timezone.now()):
            said.append(refusal(row, problems))
    record(said)
