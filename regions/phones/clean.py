"""clean: the one number that a cell means, or why there is none.

The national digits of every result stand in the cell in order, with nothing but separators, a decimal point or an
exponent between them and after them. Clean runs at the edge, before anything is sent (contract S1-23 to S1-29, X-03,
X-04, X-05).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from regions.phones import numerals, pieces
from regions.phones.characters import digits_of, only_separators, plain
from regions.phones.numerals import Unusable
from regions.phones.reading import countries, read

LONGEST_CELL: Final = 500
ReadOne = Callable[[str, str, list[str]], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """`e164`, or "" and the `reason`'s code. `rules` are the codes of what had to be done, in order, each once."""

    e164: str = field(default="", repr=False)
    reason: str = ""
    rules: tuple[str, ...] = ()


def clean(value: object, country: str) -> Phone:
    """The number in a cell of any type, as it is read in `country` (ISO 3166, such as ID; "": with a plus only).

    Reasons: empty, digits lost, too short, too long, not a number, misplaced plus, no such number, service number,
    no country code, several, none valid. Rules: float, scientific, thousands, several, label, separators, double zero
    prefix, no plus, leading zero, zero after the country code, other country, fixed line. Raises nothing for any
    value, and ValueError for a country that is not known.
    """
    if country and country not in countries():
        raise ValueError(f"{country!r} is not the code of a country.")
    rules: list[str] = []
    try:
        e164 = _of_cell(value, country, rules)
    except Unusable as fault:
        return Phone(reason=fault.reason, rules=_once(rules))
    return Phone(e164=e164, rules=_once(rules))


def _of_cell(value: object, country: str, rules: list[str]) -> str:
    if value is None:
        raise Unusable("empty")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unusable("not a number")
    if isinstance(value, str):
        return _of_text(plain(value[: LONGEST_CELL + 1]), country, rules)
    if isinstance(value, float):
        rules.append("float")
    return _of_digits(numerals.of_number(value), country, rules)


def _of_text(text: str, country: str, rules: list[str]) -> str:
    if not text.strip():
        raise Unusable("empty")
    if len(text) > LONGEST_CELL or not digits_of(text):
        raise Unusable("not a number")
    parts = pieces.listed(text)
    return _first_valid(parts, country, rules, _of_part)


def _of_part(part: str, country: str, rules: list[str]) -> str:
    """One of the numbers that a list's separators set apart: what a spreadsheet made of it comes before commas."""
    body, labelled = pieces.bare(part)
    if labelled:
        rules.append("label")
    if match := numerals.SCIENTIFIC.fullmatch(body):
        rules.append("scientific")
        return _of_digits(numerals.of_scientific(match), country, rules)
    digits = numerals.of_thousands(body)
    if digits is not None:
        rules.append("thousands")
        return _of_digits(digits, country, rules)
    whole = numerals.without_fraction(body)
    if whole is not None:
        rules.append("float")
    return _first_valid(pieces.by_comma(whole or body), country, rules, _of_piece)


def _of_piece(piece: str, country: str, rules: list[str]) -> str:
    return _first_valid(pieces.by_label(piece), country, rules, _of_number)


def _of_number(text: str, country: str, rules: list[str]) -> str:
    body, labelled = pieces.bare(text)
    if labelled:
        rules.append("label")
    plus = body.startswith("+")
    between = body[plus:]
    if "+" in between:
        raise Unusable("misplaced plus")
    digits = digits_of(between)
    if not only_separators("".join(character for character in between if not character.isdecimal())):
        raise Unusable("not a number")
    if len(digits) < len(between):
        rules.append("separators")
    return _of_digits(digits, country, rules, plus=plus)


def _of_digits(digits: str, country: str, rules: list[str], *, plus: bool = False) -> str:
    e164, found = read(plus, digits, country)
    rules.extend(found)
    return e164


def _first_valid(parts: list[str], country: str, rules: list[str], read_one: ReadOne) -> str:
    """The first part that is a number. An area code that was set apart, as in 021/55512345, spoils what follows it."""
    if len(parts) == 1:
        return read_one(parts[0], country, rules)
    rules.append("several")
    after_a_short_one = False
    for part in parts:
        own: list[str] = []
        with suppress(Unusable):
            e164 = read_one(part, country, own)
            if not (after_a_short_one and "leading zero" in own):
                rules.extend(own)
                return e164
        after_a_short_one |= len(digits_of(part)) < pieces.SHORTEST
    raise Unusable("several, none valid")


def _once(rules: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rules))
