"""One number's digits and country in, E.164 out: what libphonenumber says of it, and no digit that was not there."""

from functools import cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType, ValidationResult

from regions.phones.numerals import LONGEST, Unusable

SHORTEST: Final = 8  # S1-28
NO_LINE: Final = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)
MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
REASONS: Final = {ValidationResult.TOO_SHORT: "too short", ValidationResult.TOO_LONG: "too long"}


class Read(NamedTuple):
    """A number in E.164 and the codes of what was done to get there."""

    e164: str
    rules: tuple[str, ...]


@cache
def countries() -> frozenset[str]:
    """The ISO 3166 codes of the countries whose numbers are known."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def read(plus: bool, digits: str, country: str) -> Read:
    """The number that `digits` are in `country` (ISO code, or "" for none). Raises Unusable."""
    if plus:
        return _international(digits, country)
    if digits.startswith("00"):
        e164, rules = _international(digits[2:], country)
        return Read(e164, ("double zero prefix", *rules))
    if len(digits) < SHORTEST:
        raise Unusable("too short")
    if not country:
        raise Unusable("no country code")
    if (code := str(phonenumbers.country_code_for_region(country))) and digits.startswith(code):
        try:
            e164, rules = _international(digits, country)
        except Unusable:
            # Where national numbers are written with a 0, one that begins with the country's code is nothing else.
            if _trunk_zero(country):
                raise
        else:
            return Read(e164, ("no plus", *rules))
    missing = ("leading zero",) if _trunk_zero(country) and not digits.startswith("0") else ()
    e164, rules = _checked(digits, digits, country)
    return Read(e164, (*missing, *rules))


def _international(digits: str, country: str) -> Read:
    if digits.startswith("0"):
        raise Unusable("no such number")
    return _checked("+" + digits, digits, country)


def _checked(text: str, digits: str, country: str) -> Read:
    """Let the library read `text`; its national number must end the `digits`, so that none was made up or cut off."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        reason = "too short" if len(digits) < SHORTEST else "too long" if len(digits) > LONGEST else "no such number"
        raise Unusable(reason) from None
    if not phonenumbers.is_valid_number(number):
        raise Unusable(REASONS.get(phonenumbers.is_possible_number_with_reason(number), "no such number"))
    national = phonenumbers.national_significant_number(number)
    if not digits.endswith(national):
        raise Unusable("no such number")
    kind = phonenumbers.number_type(number)
    if kind in NO_LINE:
        raise Unusable("service number")
    rules = [] if kind in MOBILE else ["fixed line"]
    if country and phonenumbers.region_code_for_number(number) != country:
        rules.append("other country")
    if digits == f"{number.country_code}0{national}":
        rules.append("zero after the country code")
    return Read(phonenumbers.format_number(number, PhoneNumberFormat.E164), tuple(rules))


@cache
def _trunk_zero(country: str) -> bool:
    """Whether the country's numbers are written with a 0 before them."""
    metadata = PhoneMetadata.metadata_for_region(country)
    return metadata is not None and metadata.national_prefix == "0"
