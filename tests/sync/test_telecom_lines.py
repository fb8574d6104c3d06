"""A change of a telecom as people read it: what goes, what comes, what stays."""

from typing import Any

import pytest

from regions.sync.telecom import differences, said

PHONE = {"system": "phone", "use": "mobile", "value": "+628123456789"}


def lines(before: list[Any], after: list[Any]) -> list[tuple[str, str]]:
    return [(line.sign, line.text) for line in differences(before, after)]


def test_an_entry_that_was_changed_goes_and_comes() -> None:
    assert lines([PHONE], [{**PHONE, "value": "+62811"}]) == [
        ("removed", "mobile phone +628123456789"),
        ("added", "mobile phone +62811"),
    ]


def test_equal_entries_stay_and_are_counted_one_by_one() -> None:
    assert lines([PHONE, PHONE], [PHONE]) == [
        ("removed", "mobile phone +628123456789"),
        ("kept", "mobile phone +628123456789"),
    ]
    assert lines([], []) == []


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({**PHONE, "rank": 1}, "mobile phone +628123456789, rank 1"),
        (
            {**PHONE, "period": {"start": "2020", "end": "2026-11-25"}},
            "mobile phone +628123456789, since 2020, until 2026-11-25",
        ),
        ({**PHONE, "extension": [], "id": "a"}, "mobile phone +628123456789, and 2 more elements"),
        ({"system": "phone", "extension": []}, "phone without a value, and 1 more element"),
        ({}, "contact without a value"),
        ("text", "an entry that is no object"),
        ({**PHONE, "period": "2020"}, "mobile phone +628123456789"),
    ],
)
def test_an_entry_is_said_in_words(entry: Any, text: str) -> None:
    assert said(entry) == text


def test_a_line_does_not_show_itself() -> None:
    assert "+62" not in repr(differences([PHONE], [])[0])
