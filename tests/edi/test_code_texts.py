"""Codes in our own words. edi.md 6.2 to 6.4."""

import pytest

from claims.edi import code_texts
from claims.edi.code_texts import ADJUSTMENT_REASONS, CATEGORIES, category_says
from claims.edi.status import REJECTED


def test_every_sentence_ends_with_a_point() -> None:
    tables = [table for name, table in vars(code_texts).items() if name.isupper()]
    assert len(tables) == 7
    assert all(sentence.endswith(".") for table in tables for sentence in table.values())


def test_every_rejection_and_every_frequent_reason_has_a_sentence() -> None:
    frequent = "1 2 3 4 11 15 16 18 22 23 24 26 27 29 31 45 50 96 97 109 119 140 151 167 197 204 252 253"
    assert set(frequent.split()) == set(ADJUSTMENT_REASONS)
    assert set(CATEGORIES) >= REJECTED


@pytest.mark.parametrize(
    ("category", "sentence"),
    [("A3", "Returned: it cannot be processed."), ("P4", "Pending."), ("F2", "Finalised; the 835 says how."), ("", "")],
)
def test_a_category_is_said_by_itself_or_by_its_family(category: str, sentence: str) -> None:
    assert category_says(category) == sentence
