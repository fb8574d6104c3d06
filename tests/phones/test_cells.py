"""S1-23 to S1-29, X-03, X-04, X-05: each thing that sheets do to numbers, as a cell and what becomes of it."""

import pytest

from regions.phones import clean

MOBILE = "+6281234567890"
FULL_WIDTH = {code: code + 0xFEE0 for code in map(ord, "+0123456789")}
READ = [
    # S1-26: separators and labels go, a plus at the beginning stays
    ("0812-3456-7890", MOBILE, "separators"),
    ("+62 812 3456 7890", MOBILE, "separators"),
    ("(0812) 3456.7890", MOBILE, "separators"),
    ("HP: 0812 3456 7890 (WA)", MOBILE, "label separators"),
    ("Telp 1: 081234567890", MOBILE, "label"),
    ("tel:+6281234567890", MOBILE, "label"),
    ("'081234567890", MOBILE, ""),
    ('="081234567890"', MOBILE, "label"),
    ("\u202a+62 812\u20113456\u20117890\u202c", MOBILE, "separators"),
    # digits of other scripts are digits; superscripts are none
    ("٠٨١٢٣٤٥٦٧٨٩٠", MOBILE, ""),
    ("+6281234567890".translate(FULL_WIDTH), MOBILE, ""),
    ("081234567890¹", MOBILE, "label"),
    # the country's code, in each way of writing it
    ("6281234567890", MOBILE, "no plus"),
    ("0062 812 3456 7890", MOBILE, "separators double zero prefix"),
    ("+62 (0)812-3456-7890", MOBILE, "separators zero after the country code"),
    ("62812345678", "+62812345678", "no plus"),
    # S1-27, X-04: the zero that a spreadsheet drops, whatever the length
    ("81234567890", MOBILE, "leading zero"),
    ("812345678901", "+62812345678901", "leading zero"),
    ("8123456789", "+628123456789", "leading zero"),
    (81234567890, MOBILE, "leading zero"),
    # the decimal point's zero is no digit
    (81234567890.0, MOBILE, "float leading zero"),
    ("81234567890.0", MOBILE, "float leading zero"),
    ("81234567890,0", MOBILE, "float leading zero"),
    ("081234567890.00", MOBILE, "float"),
    ("81,234,567,890", MOBILE, "thousands leading zero"),
    ("81.234.567.890,00", MOBILE, "thousands leading zero"),
    # S1-24: scientific notation that still has its digits
    ("8.1234567890E+10", MOBILE, "scientific leading zero"),
    ("8,1234567890e10", MOBILE, "scientific leading zero"),
    ("8.1234567890E+9", "+628123456789", "scientific leading zero"),
    # S1-25 and the spec: the first valid one of several
    ("081234567890,081345678901", MOBILE, "several"),
    ("081234567890 / 081345678901", MOBILE, "several"),
    ("081234567890;081345678901", MOBILE, "several"),
    ("081234567890atau081345678901", MOBILE, "several"),
    ("08123456\n081234567890", MOBILE, "several"),
    ("0812 / 081234567890", MOBILE, "several"),
    ("+6281234567890 +6281345678901", MOBILE, "several"),
    ("0812 3456 7890 (WA) 0281 123456", MOBILE, "several separators"),
    ("0281-123456/7", "+62281123456", "several separators fixed line"),
    ("8.12346E+10 / 081234567890", MOBILE, "several"),
    # numbers of elsewhere, and lines that take no message
    ("+1 402 555 0123", "+14025550123", "separators other country"),
    ("0281123456", "+62281123456", "fixed line"),
]
REFUSED = [
    (None, "empty"),
    ("", "empty"),
    (" \u00a0\u200b\n", "empty"),
    ("-", "not a number"),
    ("none", "not a number"),
    (True, "not a number"),
    (b"081234567890", "not a number"),
    (["081234567890"], "not a number"),
    # S1-28
    ("110", "too short"),
    ("0812345", "too short"),
    (8123456, "too short"),
    ("+628123", "too short"),
    ("08123456789012345678", "too long"),
    ("081234567890 081345678901", "too long"),
    # what has lost its digits is not made up
    ("8.12346E+10", "digits lost"),
    ("8,12346E+10", "digits lost"),
    ("8,12346 e+10", "digits lost"),
    ("8.123456789E+10", "digits lost"),
    (81234600000, "digits lost"),
    (81234600000.0, "digits lost"),
    (1e300, "digits lost"),
    (10**400, "too long"),
    ("8.12E-3", "not a number"),
    ("8.1234567899E+9", "not a number"),
    (8123456789.5, "not a number"),
    ("0812345678.9", "not a number"),
    ("0812345678,90", "not a number"),
    (float("nan"), "not a number"),
    (float("-inf"), "not a number"),
    (-81234567890, "not a number"),
    # pluses that are none
    ("0812+3456789", "misplaced plus"),
    ("++6281234567890", "misplaced plus"),
    # digits that may or may not belong to the number
    ("0812345O7890", "not a number"),
    ("0212345678 ext 12", "not a number"),
    ("081234567890 a.n. Budi 2", "not a number"),
    ("0812,3456,7890", "several, none valid"),
    ("021/55512345", "several, none valid"),
    ("110 atau 112", "several, none valid"),
    # what nobody can be reached by
    ("+620012345678", "no such number"),
    ("+999 1234567", "no such number"),
    ("0800 1234567", "service number"),
    ("0812345678" * 100, "not a number"),
]


@pytest.mark.parametrize(("cell", "e164", "rules"), READ, ids=repr)
def test_a_cell_becomes_the_number_that_it_means(cell: object, e164: str, rules: str) -> None:
    """S1-23, S1-24, S1-25, S1-26, S1-27, X-03, X-04: every form in which sheets and people write a number."""
    phone = clean(cell, "ID")
    assert (phone.e164, phone.reason) == (e164, "")
    assert " ".join(phone.rules) == rules


@pytest.mark.parametrize(("cell", "reason"), REFUSED, ids=lambda value: repr(value)[:40])
def test_a_cell_that_means_no_number_has_a_reason(cell: object, reason: str) -> None:
    """S1-23, S1-24, S1-28, X-04, X-05: nothing is made up, and there is always an outcome."""
    phone = clean(cell, "ID")
    assert (phone.e164, phone.reason) == ("", reason)


def test_what_led_to_a_refusal_is_told_as_well() -> None:
    assert clean("8,12346E+10", "ID").rules == ("scientific",)
    assert clean(81234600000.0, "ID").rules == ("float",)
    assert clean("110 / 112", "ID").rules == ("several",)


@pytest.mark.parametrize(
    ("cell", "country", "e164"),
    [
        ("(402) 555-0123", "US", "+14025550123"),
        ("1 402 555 0123", "US", "+14025550123"),
        (4025550123.0, "US", "+14025550123"),
        ("011 62 812 3456 7890", "US", "+6281234567890"),
        ("47123456", "NO", "+4747123456"),
        ("4747123456", "NO", "+4747123456"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("391 2345678", "IT", "+393912345678"),
        ("0412 345 678", "AU", "+61412345678"),
    ],
)
def test_each_country_has_its_own_rules(cell: object, country: str, e164: str) -> None:
    assert clean(cell, country).e164 == e164


def test_no_rule_of_a_country_puts_digits_in() -> None:
    """Argentina's mobiles get a 9 in E.164 that nobody writes at home: a number that the cell does not contain."""
    assert clean("011 15 1234-5678", "AR").reason == "no such number"


def test_without_a_country_only_a_plus_says_whose_number_it_is() -> None:
    assert clean("+62 812 3456 7890", "").e164 == MOBILE
    assert clean("0062 812 3456 7890", "").e164 == MOBILE
    assert clean("0812 3456 7890", "").reason == "no country code"


@pytest.mark.parametrize("country", ["XX", "id", "Indonesia"])
def test_a_country_that_is_not_known_is_the_callers_fault(country: str) -> None:
    with pytest.raises(ValueError, match="not the code of a country"):
        clean("081234567890", country)


def test_the_number_is_not_in_its_repr() -> None:
    assert "812" not in repr(clean("081234567890", "ID"))
