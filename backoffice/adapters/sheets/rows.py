"""The rows of a sheet as values: columns by their names in row 1, in any order (contract S1-12, S1-21)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from backoffice.adapters.sheets.faults import SheetRefused

Cell = str | int | float | bool | None
Key = tuple[str, str]

IDENTIFIER: Final = "identifier"
PHONE: Final = "phone_number"
STATUS: Final = "status_update_phone_number"
SOURCE: Final = "source"
FACILITY: Final = "facility"
STATUS_COLUMN: Final = 7  # G, where a sheet has it that does not name it [S1-21]
KEPT_DIGITS: Final = 15  # of a number that a spreadsheet holds; the next ones become zeros


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where the columns are, from 1. `status_named`: row 1 says so; else its name is written with the first status."""

    identifier: int
    phone: int
    status: int
    source: int | None = None
    facility: int | None = None
    status_named: bool = True

    def read(self) -> tuple[int, ...]:
        """The columns that rows are made of; the status only where it must be shown to be nobody's data."""
        optional = (self.source, self.facility, None if self.status_named else self.status)
        return (self.identifier, self.phone, *(column for column in optional if column is not None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row; `number` from 1, as the sheet counts.

    `phone` is the cell as it is held, text or number; "" where it is blank. `digits_lost`: the identifier is a number
    of more digits than a spreadsheet keeps, so that its end is not to be trusted.
    """

    number: int
    identifier: str = field(repr=False)
    phone: Cell = field(repr=False)
    source: str = ""
    facility: str = ""
    digits_lost: bool = False

    @property
    def key(self) -> Key:
        """What the row is known by when it has moved."""
        return self.identifier, text_of(self.phone)


def find_columns(header: Sequence[Cell], width: int) -> Columns:
    """The columns by row 1 of a sheet of `width` columns; blanks and case of the names do not matter.

    Raises SheetRefused, which names what is missing or there twice.
    """
    named: dict[str, list[int]] = {}
    for column, cell in enumerate(header, start=1):
        named.setdefault("_".join(text_of(cell).casefold().split()), []).append(column)
    known = (IDENTIFIER, PHONE, STATUS, SOURCE, FACILITY)
    if twice := [name for name in known if len(named.get(name, ())) > 1]:
        raise SheetRefused(f"The sheet has more than one column {', '.join(twice)}: rename or remove the others.")
    found = {name: named[name][0] for name in known if name in named}
    nameless = width >= STATUS_COLUMN and not any(map(text_of, header[STATUS_COLUMN - 1 : STATUS_COLUMN]))
    missing = [name for name in (IDENTIFIER, PHONE) if name not in found]
    missing += [] if STATUS in found or nameless else [STATUS]
    if missing:
        raise SheetRefused(f"Row 1 of the sheet lacks the column {', '.join(missing)}: add it; any order will do.")
    return Columns(
        identifier=found[IDENTIFIER],
        phone=found[PHONE],
        status=found.get(STATUS, STATUS_COLUMN),
        source=found.get(SOURCE),
        facility=found.get(FACILITY),
        status_named=STATUS in found,
    )


def row_of(number: int, columns: Columns, cell: Mapping[int, Cell]) -> Row | None:
    """The row of the cells, by column; None for a blank one. Raises SheetRefused where statuses would cover data."""
    if not columns.status_named and not _is_status(text_of(cell.get(columns.status))):
        raise SheetRefused(f"Column G holds data but no name in row 1: name a column {STATUS}.")
    row = Row(
        number=number,
        identifier=text_of(cell.get(columns.identifier)),
        phone="" if (phone := cell.get(columns.phone)) is None else phone,
        source=text_of(cell.get(columns.source or 0)),
        facility=text_of(cell.get(columns.facility or 0)),
        digits_lost=_digits_lost(cell.get(columns.identifier)),
    )
    return row if row.identifier or text_of(row.phone) else None


def text_of(cell: object) -> str:
    """A cell as one would type it: 3302010101900001 for the number 3302010101900001.0; "" for none."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**63:
        return str(int(cell))
    return str(cell).strip()


def letters_of(column: int) -> str:
    """G for 7, AA for 27."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _digits_lost(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= 10**KEPT_DIGITS


def _is_status(text: str) -> bool:
    return text in ("", "success", "unchanged") or text.startswith("failed")
