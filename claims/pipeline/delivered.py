"""CSV files as they were delivered, row by row, and what is wrong with them, collected for people to read."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from backoffice.runs.faults import Misuse

MOST_PROBLEMS = 50
Row = tuple[str, ...]


class FolderRefused(Misuse):
    """The folder cannot be loaded as it is; `problems` are lines for people, with file and line number."""

    def __init__(self, problems: list[str], more: int = 0) -> None:
        super().__init__("\n".join([*problems, *([f"and {more:,} more"] if more else [])]))


@dataclass
class Problems:
    found: list[str] = field(default_factory=list)
    more: int = 0

    @property
    def total(self) -> int:
        return len(self.found) + self.more

    def add(self, where: str, what: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"{where}: {what}")
        else:
            self.more += 1

    def add_first(self, problems: Iterable[tuple[str, str]], total: int) -> None:
        """The first of `total` problems of a kind; the others are only counted."""
        for where, what in problems:
            self.add(where, what)
            total -= 1
        self.more += total

    def refuse(self) -> None:
        if self.found:
            raise FolderRefused(self.found, self.more)


def rows(path: Path, columns: tuple[str, ...], problems: Problems) -> Iterator[tuple[int, Row]]:
    """(line number, values of the columns in their order) of each well-formed row; what is not is noted."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if missing := [name for name in columns if name not in header]:
                problems.add(f"{path.name} line 1", f"lacks {', '.join(missing)}")
                return
            wanted = itemgetter(*map(header.index, columns))
            width = len(header)
            for fields in reader:
                if len(fields) != width:
                    problems.add(f"{path.name} line {reader.line_num}", f"has {len(fields)} fields, not {width}")
                elif "\0" in "".join(fields):
                    problems.add(f"{path.name} line {reader.line_num}", "holds a NUL character")
                else:
                    yield reader.line_num, wanted(fields)
    except UnicodeDecodeError:
        problems.add(path.name, "is not text in UTF-8")
    except csv.Error as error:
        problems.add(f"{path.name} line {reader.line_num}", f"is no CSV ({error})")
    except OSError as error:
        problems.add(path.name, error.strerror or "cannot be read")
