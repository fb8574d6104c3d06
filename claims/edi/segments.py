"""How values become elements and segments of our own files, whose delimiters are * : ^ and ~."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from claims.edi.claims import Address, Adjustment, Name
from claims.edi.clean import clean, is_clean, is_echo

ELEMENT, COMPONENT, REPETITION, TERMINATOR = "*", ":", "^", "~"


class NotWritable(Exception):
    """What is to be written cannot be; the message says which field, never its value."""


def segment(*elements: str) -> str:
    """Without the empty elements at its end, nor its terminator."""
    return ELEMENT.join(elements).rstrip(ELEMENT)


def composite(*components: str) -> str:
    return COMPONENT.join(components).rstrip(COMPONENT)


def identifier(text: str, field: str, most: int = 50) -> str:
    """The same; NotWritable if X12 could not carry it unaltered."""
    if text and not is_clean(text, most):
        raise NotWritable(f"{field} has characters that X12 cannot carry, or is too long: correct it at its source.")
    return text


def echo(text: str, field: str, most: int = 50) -> str:
    """What the other side has named, given back letter for letter; NotWritable if a delimiter of ours is in it."""
    if text and not is_echo(text, most):
        raise NotWritable(f"{field} has characters that cannot be given back in our files.")
    return text


def decimal(number: Decimal) -> str:
    """Without leading or trailing zeros: 240, 137.5, .75, 0."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.lstrip("0") or "0"


def money(amount: Decimal) -> str:
    """Dollars of either sign; NotWritable for parts of a cent."""
    text = decimal(abs(amount))
    if not amount.is_finite() or len(text.partition(".")[2]) > 2:
        raise NotWritable("An amount has parts of a cent.")
    return f"-{text}" if amount < 0 else text


def adjusted(adjustments: tuple[Adjustment, ...]) -> Iterator[str]:
    """One CAS for a group, up to six adjustments each."""
    groups: dict[str, list[str]] = {}
    for adjustment in adjustments:
        groups.setdefault(adjustment.group, []).extend((adjustment.reason, money(adjustment.amount), ""))
    for group, triplets in groups.items():
        for at in range(0, len(triplets), 18):
            yield segment("CAS", group, *triplets[at : at + 18])


def day(when: date) -> str:
    return f"{when.year:04d}{when.month:02d}{when.day:02d}"


def dated(qualifier: str, when: date | None) -> list[str]:
    """A DTP of one day, if there is one."""
    return [segment("DTP", qualifier, "D8", day(when))] if when else []


def referenced(qualifier: str, number: str, field: str) -> list[str]:
    """A REF, if there is a number."""
    return [segment("REF", qualifier, identifier(number, field))] if number else []


def noted(text: str) -> list[str]:
    """An NTE, if there is a letter that X12 can carry."""
    return [segment("NTE", "ADD", note)] if (note := clean(text, 80)) else []


def named(entity: str, name: Name, qualifier: str = "", number: str = "", field: str = "") -> str:
    """An NM1; an organisation has its whole name in NM103."""
    known_as = (qualifier, identifier(number, field, 80)) if number else ("", "")
    if name.organisation:
        return segment("NM1", entity, "2", clean(name.last, 60), "", "", "", "", *known_as)
    first, middle, suffix = clean(name.first, 35), clean(name.middle, 25), clean(name.suffix, 10)
    return segment("NM1", entity, "1", clean(name.last, 60), first, middle, "", suffix, *known_as)


def located(address: Address) -> list[str]:
    """N3 and N4."""
    return [
        segment("N3", clean(address.street, 55), clean(address.street_2, 55)),
        segment(
            "N4",
            clean(address.city, 30),
            identifier(address.state, "The state", 2),
            identifier(address.zip_code, "The ZIP code", 15),
        ),
    ]


def born(birth_date: date | None, sex: str, whose: str) -> str:
    """A DMG; NotWritable without a birth date."""
    if birth_date is None:
        raise NotWritable(f"{whose} birth date is missing: enter it.")
    return segment("DMG", "D8", day(birth_date), sex)
