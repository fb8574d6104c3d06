"""Who is covered by which plan, by member: a table as long as the list of members, of which a block of lines needs
some thousand rows. It lies in a file without a name, gone with its process: memory does not grow with the table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db import connection

from backoffice.home import home_folder
from claims.models import MemberBenefit
from claims.pipeline import files, frames
from claims.pipeline.night import hashes
from regions.models import Region

if TYPE_CHECKING:
    import polars as pl

TABLE = "member_benefits"


class Piece(NamedTuple):
    """Rows of the members from `first` to `last`, and where they lie in the file."""

    first: str
    last: str
    at: int
    size: int


@dataclass
class Coverage:
    """member_id, plan_id, coverage_from, coverage_to, by member and beginning. `held`: the pieces that were needed
    last; a block of lines begins where the one before it ended."""

    file: IO[bytes]
    pieces: list[Piece] = field(default_factory=list)
    held: dict[Piece, pl.DataFrame] = field(default_factory=dict)
    height: int = 0
    hashed: int = 0

    @property
    def edition(self) -> str:
        """Which rows these are, in whatever order; as claims.pipeline.editions spells it."""
        return f"{self.height}:{self.hashed:x}"

    def add(self, frame: pl.DataFrame) -> None:
        """The rows that come next."""
        import polars as pl

        spelled = io.BytesIO()
        frame.write_ipc(spelled, compression="lz4")
        at, size = self.file.tell(), self.file.write(spelled.getbuffer())
        self.pieces.append(Piece(frame["member_id"][0], frame["member_id"][-1], at, size))
        self.height += frame.height
        self.hashed += int(hashes(frame).cast(pl.Int128).sum())

    def between(self, first: str, last: str) -> pl.DataFrame:
        """The rows of these members, and of some before and after them."""
        import polars as pl

        wanted = [piece for piece in self.pieces if piece.first <= last and piece.last >= first]
        self.held = {piece: self.held[piece] if piece in self.held else self._load(piece) for piece in wanted}
        return pl.concat([pl.DataFrame(schema=_schema()), *self.held.values()])

    def _load(self, piece: Piece) -> pl.DataFrame:
        import polars as pl

        self.file.seek(piece.at)
        return pl.read_ipc(io.BytesIO(self.file.read(piece.size)))


@contextmanager
def spooled(region: Region) -> Iterator[Coverage]:
    """The region's, as it stands now."""
    with TemporaryFile(dir=home_folder(Path(settings.NIGHTWARD_HOME))) as file:
        coverage = Coverage(file)
        try:
            for frame in _by_member(region):
                coverage.add(frame)
        except OSError as error:
            raise files.not_written(TABLE, error) from None
        yield coverage


def _by_member(region: Region) -> Iterator[pl.DataFrame]:
    """Texts in the order of their bytes, as polars and the extract have them."""
    by_bytes = 'COLLATE "C"' if connection.vendor == "postgresql" else ""
    source = f"FROM {MemberBenefit._meta.db_table} WHERE region_id = %s ORDER BY member_id {by_bytes}, coverage_from"
    return frames.stream(source, [region.pk], _schema())


def _schema() -> dict[str, Any]:
    import polars as pl

    return {"member_id": pl.String, "plan_id": pl.String, "coverage_from": pl.Date, "coverage_to": pl.Date}
