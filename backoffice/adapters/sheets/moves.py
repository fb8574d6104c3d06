"""Where rows are now that were read a while ago: operators sort, insert and delete during a run (contract X-09)."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Literal, NamedTuple

from backoffice.adapters.sheets.rows import Key

Verdict = Literal["same", "moved", "changed", "ambiguous", "gone"]


class Place(NamedTuple):
    """`row` is where to write, or None: then the verdict says why nowhere."""

    row: int | None
    verdict: Verdict


def where_now(read: Mapping[int, Key], now: Mapping[int, Key]) -> dict[int, Place]:
    """The place of each row of `read` in `now`, both by row number. No two rows are given the same place.

    same: the row has the key that it had. moved: another row alone has it, and no other row that was read had it.
    changed: the identifier is there, with another number; what became of the old one is not told as the new one's.
    ambiguous: several rows could be it, or it has no identifier to be known by. gone: no row has the identifier.
    """
    rows_of: defaultdict[Key, list[int]] = defaultdict(list)
    for row, key in now.items():
        rows_of[key].append(row)
    identifiers = {identifier for identifier, _ in now.values()}
    read_times = Counter(read.values())
    places = {}
    for row, key in read.items():
        if now.get(row) == key:
            places[row] = Place(row, "same")
        elif not key[0] or len(rows_of[key]) > 1 or (rows_of[key] and read_times[key] > 1):
            places[row] = Place(None, "ambiguous")
        elif rows_of[key]:
            places[row] = Place(rows_of[key][0], "moved")
        else:
            places[row] = Place(None, "changed" if key[0] in identifiers else "gone")
    return places
