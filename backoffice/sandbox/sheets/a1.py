"""A1 notation: 'Sheet 1'!A2:G101, Sheet1!A:A, 1:1, Sheet1."""

import re
from typing import Final, NamedTuple

CORNER: Final = re.compile(r"([A-Z]{1,3})?([1-9]\d{0,6})?")


class Unparsable(ValueError):
    """No range: Google says so with status 400."""


class Area(NamedTuple):
    """Rows and columns from 1, both ends included; None: to the end of the grid."""

    first_row: int = 1
    first_column: int = 1
    last_row: int | None = None
    last_column: int | None = None


def parse(text: str) -> tuple[str | None, Area]:
    """(The sheet's title, or None for the first one; the area). Raises Unparsable."""
    if text.startswith("'"):
        title, _, cells = text[1:].replace("''", "\0").partition("'")
        return title.replace("\0", "'"), _area(cells.removeprefix("!"))
    title, mark, cells = text.rpartition("!")
    if mark:
        return title, _area(cells)
    try:
        return None, _area(text)
    except Unparsable:
        return text, Area()


def _area(text: str) -> Area:
    if not text:
        return Area()
    first, colon, last = text.partition(":")
    begin, end = CORNER.fullmatch(first), CORNER.fullmatch(last if colon else first)
    if begin is None or end is None or not first or (colon and not last) or (not colon and not (begin[1] and begin[2])):
        raise Unparsable(f"Unable to parse range: {text}")
    return Area(
        int(begin[2] or 1),
        number_of(begin[1]) if begin[1] else 1,
        int(end[2]) if end[2] else None,
        number_of(end[1]) if end[1] else None,
    )


def name(title: str, area: Area) -> str:
    """Sheet1!A2:G101, quoted where it must be; of a closed area."""
    quoted = title if re.fullmatch(r"[A-Za-z_]\w*", title) else "'" + title.replace("'", "''") + "'"
    first = f"{letters_of(area.first_column)}{area.first_row}"
    last = f"{letters_of(area.last_column or 1)}{area.last_row}"
    return f"{quoted}!{first}" if first == last else f"{quoted}!{first}:{last}"


def number_of(letters: str) -> int:
    """7 for G."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def letters_of(column: int) -> str:
    """G for 7."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
