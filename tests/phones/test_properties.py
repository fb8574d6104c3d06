"""What holds for every cell: no number that it does not contain, nothing raised, cleaning twice is cleaning once."""

import re
import unicodedata
from decimal import Decimal

import phonenumbers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regions.phones import clean, countries

COUNTRIES = st.sampled_from(["ID", "US", "GB", "NO", "IT", "BR", "AR", "MX", "CI", ""])
# Texts that are nearly numbers: what a random text never hits.
CELLISH = st.text(
    st.sampled_from("0123456789" * 3 + "+ -./,;()eE\n" + "٠٨६೯８" + "\u00a0\u202a\u2011²O"), min_size=6, max_size=30
)
NUMBERISH = st.builds(
    lambda before, digits, breaks, after: before + "".join(map("".join, zip(digits, breaks, strict=False))) + after,
    st.sampled_from(["", "0", "+62", "62", "0062", "HP: ", "(0", "8", "08", "+1 ", "1"]),
    st.text("0123456789", min_size=7, max_size=12),
    st.lists(st.sampled_from(["", "", "", " ", "-", ".", ","]), min_size=12, max_size=12),
    st.sampled_from(["", ".0", ",0", ".00", "E+10", "e9", " (WA)", " / 0813", "\n081345678901", " x5", "1"]),
)
TEXTS = st.one_of(st.text(max_size=40), CELLISH, NUMBERISH)
NUMBERS = st.one_of(st.integers(), st.floats(), st.integers(10**7, 10**13), st.integers(10**7, 10**13).map(float))
OTHERS = st.one_of(st.none(), st.booleans(), st.binary(max_size=20), st.lists(st.integers(), max_size=3), st.decimals())
LOADED = settings(deadline=None)  # a country's rules are read when they are first needed
SEPARATOR = r"[^0-9+A-Za-z]*"


def ascii_digits(text: str) -> str:
    return "".join(
        str(unicodedata.decimal(character)) if unicodedata.category(character) == "Nd" else character
        for character in text
    )


def national(e164: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(e164))


def stands_in(digits: str, text: str) -> bool:
    """Whether the digits are in the text in order with separators between, and are not the beginning of longer ones.

    What may follow is a decimal point's zeros, or whatever is no separator: an exponent, a list's next number, a label.
    """
    after = r"(?:[.,]0{1,2}(?![0-9])|(?![^0-9+A-Za-z,/;|&\n\\]*[0-9]))"
    return re.search(SEPARATOR.join(digits) + after, ascii_digits(text)) is not None


@LOADED
@given(TEXTS, COUNTRIES)
@example("81234567890.0", "ID")
@example("8.1234567890E+10", "ID")
@example("8.12346E+10", "ID")
def test_the_digits_of_a_number_stand_in_the_cell(text: str, country: str) -> None:
    if e164 := clean(text, country).e164:
        assert stands_in(national(e164), text), (text, e164)


@LOADED
@given(st.integers(10**7, 10**14), st.sampled_from(["ID", "US"]))
def test_a_numeric_cell_is_its_own_digits_as_integer_as_float_and_as_text(value: int, country: str) -> None:
    as_integer = clean(value, country)
    assert clean(float(value), country).e164 == as_integer.e164
    if as_integer.e164:
        assert str(value).endswith(national(as_integer.e164))
        assert as_integer.e164 == clean(str(value), country).e164 == clean(f"{value}.0", country).e164


@LOADED
@given(st.integers(10**9, 10**13), st.integers(0, 12), st.sampled_from(".,"))
def test_scientific_notation_is_read_when_it_has_all_digits_and_else_not(value: int, kept: int, point: str) -> None:
    digits = str(value)
    kept = min(kept, len(digits) - 1)
    cell = f"{digits[0]}{point}{digits[1 : kept + 1]}E+{len(digits) - 1}"
    if kept < len(digits) - 1:
        assert clean(cell, "ID").reason == "digits lost"
    else:
        assert clean(cell, "ID").e164 == clean(digits, "ID").e164
        assert Decimal(cell.replace(",", ".")) == value


@LOADED
@given(st.one_of(TEXTS, NUMBERS, OTHERS), COUNTRIES)
def test_no_cell_raises_and_each_has_a_number_or_a_reason(cell: object, country: str) -> None:
    phone = clean(cell, country)
    assert bool(phone.e164) != bool(phone.reason)
    assert len(set(phone.rules)) == len(phone.rules)


@LOADED
@given(TEXTS, COUNTRIES)
def test_cleaning_twice_changes_nothing(text: str, country: str) -> None:
    if e164 := clean(text, country).e164:
        again = clean(e164, country)
        assert (again.e164, again.reason) == (e164, "")


@LOADED
@given(st.sampled_from(sorted(countries())))
def test_the_library_s_own_example_of_a_mobile_is_read_as_it_is_written_at_home_and_abroad(country: str) -> None:
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        return
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    abroad = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert clean(abroad, country).e164 == e164
    assert clean(abroad, "").e164 == e164
