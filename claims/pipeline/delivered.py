"""CSV files as they were delivered, row by row, and what is wrong with them, collected for people to read."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backoffice.runs.faults import Misuse

MOST_PROBLEMS = 50
Row = dict[str, str]


class FolderRefused(Misuse):
    """The folder cannot be loaded as it is; `problems` are lines for people, with file and line number."""

    def __init__(self, problems: list[str], more: int = 0) -> None:
        super().__init__("\n".join([*problems, *([f"and {more:,} more"] if more else [])]))


@dataclass
class Problems:
    found: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, what: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"{where}: {what}")
        else:
            self.more += 1

    def refuse(self) -> None:
        if self.found:
            raise FolderRefused(self.found, self.more)


def rows(path: Path, columns: tuple[str, ...], problems: Problems) -> Iterator[tuple[str, Row]]:
    """("file line n", row) of each well-formed row; what is not is noted."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if missing := [name for name in columns if name not in header]:
                problems.add(f"{path.name} line 1", f"lacks {', '.join(missing)}")
                return
            for fields in reader:
                where = f"{path.name} line {reader.line_num}"
                if len(fields) != len(header):
                    problems.add(where, f"has {len(fields)} fields, not {len(header)}")
                elif any("\0" in value for value in fields):
                    problems.add(where, "holds a NUL character")
                else:
                    yield where, dict(zip(header, fields, strict=True))
    except UnicodeDecodeError:
        problems.add(path.name, "is not text in UTF-8")
    except csv.Error as error:
        problems.add(f"{path.name} line {reader.line_num}", f"is no CSV ({error})")
    except OSError as error:
        problems.add(path.name, error.strerror or "cannot be read")
