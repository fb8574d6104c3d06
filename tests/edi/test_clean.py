"""What becomes of a text on its way into X12, and which numbers are NPIs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.edi.clean import clean, is_clean
from claims.edi.npi import is_npi, with_check_digit

BASIC = re.compile(r"""[A-Z0-9 !"&'()+,\-./;?=]*""")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("APT #5", "APT 5"),
        ("Muñoz-García", "MUNOZ-GARCIA"),
        ("Straße", "STRASSE"),
        ("Łukasz Ørsted", "LUKASZ ORSTED"),
        ("D\u2019Angelo \u2014 Søn", "D'ANGELO - SON"),
        ("a*b:c^d~e|f", "A B C D E F"),
        ("  two   blanks\tand\r\nmore ", "TWO BLANKS AND MORE"),
        ("me@home.org_$%{}[]<>\\", "ME HOME.ORG"),
        ("李", ""),
        ("\u2460 ½", "1 1 2"),
    ],
)
def test_a_text_keeps_what_x12_can_carry(text: str, cleaned: str) -> None:
    assert clean(text, 60) == cleaned


@pytest.mark.parametrize(("most", "cut"), [(9, "TWO WORDS"), (4, "TWO"), (3, "TWO"), (2, "TW")])
def test_a_text_that_is_too_long_ends_without_a_blank(most: int, cut: str) -> None:
    assert clean("two words", most) == cut


@given(text=st.text(), most=st.integers(1, 80))
def test_a_cleaned_text_is_basic_short_and_stays_as_it_is(text: str, most: int) -> None:
    cleaned = clean(text, most)
    assert BASIC.fullmatch(cleaned)
    assert len(cleaned) <= most
    assert "  " not in cleaned
    assert cleaned == cleaned.strip()
    assert clean(cleaned, most) == cleaned
    assert is_clean(cleaned, most) == bool(cleaned)


@given(text=st.text(max_size=20))
def test_an_identifier_is_clean_exactly_where_cleaning_would_leave_it_alone(text: str) -> None:
    assert is_clean(text, 12) == (text != "" and clean(text, 12) == text)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1245319599", True), ("1245319598", False), ("1234567893", True), ("2345678901", False), ("3245319599", False),
        ("124531959", False), ("12453195990", False), ("124531959X", False), ("", False), ("\uff11245319599", False),
    ],
)  # fmt: skip
def test_an_npi_has_ten_digits_and_the_right_last_one(text: str, valid: bool) -> None:
    assert is_npi(text) == valid


@given(nine=st.integers(100_000_000, 299_999_999))
def test_one_of_ten_last_digits_makes_an_npi(nine: int) -> None:
    assert [f"{nine}{digit}" for digit in range(10) if is_npi(f"{nine}{digit}")] == [with_check_digit(str(nine))]
