"""Tables of figures, the same in a terminal and in docs/benchmarks.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under `columns`; the first `words` columns are words, the others figures."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def lines(self) -> list[str]:
        """Markdown whose columns are aligned as text, too."""
        widths = [max(len(row[k]) for row in (self.columns, *self.rows)) for k in range(len(self.columns))]
        rule = ["-" * width if k < self.words else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
        return [self._line(row, widths) for row in (self.columns, rule, *self.rows)]

    def _line(self, row: Sequence[str], widths: list[int]) -> str:
        cells = (
            text.ljust(width) if k < self.words else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one section found. `faults` are statements that had to hold and did not; speed is never one of them."""

    title: str
    how: str
    blocks: Sequence[Table | str]
    faults: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Markdown under a heading of the second level."""
        lines = [f"## {self.title}", "", self.how]
        for block in self.blocks:
            lines += ["", *(block.lines() if isinstance(block, Table) else [block])]
        return lines

    def with_note(self, note: str) -> Self:
        """The same with a paragraph more in front."""
        return type(self)(title=self.title, how=f"{self.how}\n\n{note}", blocks=self.blocks, faults=self.faults)


def ratio(value: float, to: float) -> str:
    """How many times `to` that is."""
    return f"{value / to:.2f}" if to else "-"


def verdict(met: bool) -> str:
    """Whether a goal was met, for a reader."""
    return "met" if met else "missed"
