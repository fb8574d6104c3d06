"""Statements become events of their claims, and answers for a person where there is no such claim."""

from collections.abc import Iterable

from billing.bulk import insert_new
from billing.events import in_portions, record
from billing.models import Document
from billing.reading.batches import apply_mark
from billing.reading.said import Mark, Place, Statement, answer_of, event_of
from billing.reading.weighing import known_answers, matching


def write(told: Iterable[Statement | Mark], document: Document, place: Place) -> int:
    """In the caller's transaction; what is stored already is not stored again. How many found no claim."""
    unmatched = 0
    for some in in_portions(told):
        for each in some:
            if isinstance(each, Mark):
                apply_mark(each, document)
        matched, left = matching(document.region, [each for each in some if isinstance(each, Statement)])
        record(event_of(each, claim, document, place) for each, claim in matched)
        known = known_answers(document.region, left)
        new = [each for each in left if each.key not in known]
        insert_new([answer_of(each, document, place) for each in new])
        unmatched += len(left)
    return unmatched
