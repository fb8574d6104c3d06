"""Makes a sheet as feeds bring it: most numbers plain, the others as spreadsheets and people leave them."""

from collections.abc import Iterator
from random import Random
from typing import Final

from backoffice.sandbox.sheets.grid import Cell

HEADER: Final = ("identifier", "name", "phone_number", "source", "facility", "note", "status_update_phone_number")
SOURCES: Final = ("WhatsApp", "front desk", "survey")
FACILITIES: Final = ("RSUD Goeteng", "Puskesmas Bobotsari", "RSUD Gerung")
KINDS: Final = ("plain", "number", "plus", "spaced", "labelled", "two", "exponent", "short", "empty", "zero_dropped")


def generate(count: int, *, seed: int = 1) -> Iterator[list[Cell]]:
    """The header and `count` rows, the same for the same seed. Half of the numbers are plain.

    The identifiers are those of the patients that `sandbox fhir` makes of the same seed.
    """
    random = Random(seed)  # noqa: S311 (made-up numbers, no secret)
    yield list(HEADER)
    for number in range(count):
        kind = "plain" if number % 2 else KINDS[number // 2 % len(KINDS)]
        phone = _written(kind, f"8{random.randrange(11, 60)}{random.randrange(10**8):08d}", random)
        source = SOURCES[random.randrange(len(SOURCES))]
        yield [_identifier(seed, number), "", phone, source, FACILITIES[number % len(FACILITIES)], "", ""]


def _identifier(seed: int, number: int) -> str:
    return f"33{seed % 10_000:04d}{number * 7_368_787 % 10**10:010d}"


def _written(kind: str, national: str, random: Random) -> Cell:
    """A number of Indonesia, without its 0, as one finds it."""
    written: dict[str, Cell] = {
        "plain": f"0{national}",
        "number": int(national),
        "plus": f"+62{national}",
        "spaced": f"0{national[:3]}-{national[3:7]}-{national[7:]}",
        "labelled": f"HP 0{national} (WA)",
        "two": f"0{national} / 08{random.randrange(10**9, 10**10)}",
        "exponent": f"{national[0]}.{national[1:6]}E+{len(national) - 1}",
        "short": f"0{national[:5]}",
        "empty": "",
        "zero_dropped": national,
    }
    return written[kind]
