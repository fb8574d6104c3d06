"""A report is made: its table is read, written as CSV or PDF, and stored encrypted with the run's one commit."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backoffice.exports import csv_lines
from backoffice.runs.faults import WrongUse
from backoffice.runs.job import Chunk, Json, Result
from backoffice.runs.models import Run, StepPart
from clinic.reports.kinds import Kind, Period, Table, TooLong
from clinic.reports.models import PART_BYTES, Report, ReportPart
from clinic.reports.pdf import pdf_of
from clinic.reports.registry import kind_named
from regions.models import Region
from regions.of_run import region_of

OUTCOMES = (REPORTED,) = ("reported",)
MOST_ROWS = {"csv": 100_000, "pdf": 20_000}


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Opened for one part: what is to be made."""

    run: Run
    region: Region
    kind: Kind
    format: str
    period: Period


@contextmanager
def open_making(part: StepPart) -> Iterator[Making]:
    run, told = part.run, part.run.parameters
    period = Period(begins=date.fromisoformat(told["from"]), ends=date.fromisoformat(told["to"]))
    yield Making(run=run, region=region_of(part), kind=kind_named(told["kind"]), format=told["format"], period=period)


def chunks(making: Making, checkpoint: Json | None) -> Iterator[Chunk]:
    """The whole report at once; nothing where it is stored already."""
    if checkpoint is None:
        yield Chunk(data=None, checkpoint={"stored": True}, label=making.kind.title)


def prepare(making: Making, chunk: Chunk) -> Result:
    """WrongUse where the period has more rows than a file of this format may have."""
    most = MOST_ROWS[making.format]
    try:
        table = making.kind.table(making.region, making.period, most)
    except TooLong:
        better = ", or CSV" if making.format == "pdf" else ""
        raise WrongUse(f"There are more than {most:,} rows: choose a shorter period{better}.") from None
    number = len(table.rows)
    money = {_word(title): value for title, value in table.totals if isinstance(value, Decimal)}
    made = (number, written(making, table))
    return Result(read=number, outcomes=Counter({REPORTED: number}), totals=money, rows=made)


def _word(title: str) -> str:
    return title.lower().replace(" ", "_").replace("'", "")


def written(making: Making, table: Table) -> bytes:
    """The file's bytes. CSV: the columns, the rows, an empty line, the totals; no cell is computed by a spreadsheet."""
    if making.format == "pdf":
        period = f"{making.period.begins} to {making.period.ends} (not included)"
        return pdf_of(making.kind, f"{making.region.display_name}, {period}", table)
    titles = [column.title for column in making.kind.columns]
    return "".join(csv_lines(titles, [*table.rows, (), *table.totals])).encode()


def commit(making: Making, result: Result) -> None:
    number, data = result.rows
    report = Report.objects.create(
        region=making.region, run=making.run, kind=making.kind.name, format=making.format, begins=making.period.begins,
        ends=making.period.ends, rows=number, size=len(data), made_by=making.run.started_by,
    )  # fmt: skip
    for place, start in enumerate(range(0, len(data), PART_BYTES)):
        text = data[start : start + PART_BYTES].decode("latin-1")
        ReportPart(report=report, number=place, content=text).save()
