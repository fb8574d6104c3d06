"""A table as PDF: landscape A4, the columns' titles on every page, the totals at the end."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from backoffice.exports import as_text
from clinic.reports.kinds import Column, Kind, Table

EDGE, LINE, SIZE, GAP = 36, 13, 8, 10
FONT, BOLD = "Helvetica", "Helvetica-Bold"
TOTALS = (Column(title="", share=3), Column(title="", figure=True), Column(title="", share=10))


def pdf_of(kind: Kind, headline: str, table: Table) -> bytes:
    """The file. `headline` says of which region and period it is; it holds no data of a patient."""
    from reportlab.pdfgen.canvas import Canvas  # a third of a second that only a PDF has to wait for

    file = BytesIO()
    page = _Pages(Canvas(file, pagesize=(842, 595), pageCompression=1), kind, headline)
    for row in table.rows:
        page.line(kind.columns, row, FONT)
    page.down(LINE)
    for title, value in table.totals:
        page.line(TOTALS, (title, value, ""), BOLD)
    return page.end(file)


class _Pages:
    """Where the next line goes; a new page begins by itself."""

    def __init__(self, canvas: Any, kind: Kind, headline: str) -> None:
        self.canvas, self.kind, self.headline = canvas, kind, headline
        self.number = 0
        canvas.setTitle(f"{kind.title}, {headline}")
        canvas.setCreator("Nightward")
        self._begin()

    def _begin(self) -> None:
        self.number += 1
        self.y = 595 - EDGE
        self.canvas.setFont(BOLD, 12)
        self.canvas.drawString(EDGE, self.y, printable(self.kind.title))
        self.canvas.setFont(FONT, SIZE)
        self.canvas.drawRightString(842 - EDGE, self.y, printable(f"{self.headline}, page {self.number}"))
        self.down(2 * LINE)
        self._draw(self.kind.columns, [column.title for column in self.kind.columns], BOLD)
        self.canvas.line(EDGE, self.y - 3, 842 - EDGE, self.y - 3)
        self.down(LINE)

    def down(self, points: int) -> None:
        self.y -= points

    def line(self, columns: Sequence[Column], values: Sequence[Any], font: str) -> None:
        if self.y < EDGE:
            self.canvas.showPage()
            self._begin()
        self._draw(columns, values, font)
        self.down(LINE)

    def _draw(self, columns: Sequence[Column], values: Sequence[Any], font: str) -> None:
        unit = (842 - 2 * EDGE) / sum(column.share for column in columns)
        self.canvas.setFont(font, SIZE)
        left = float(EDGE)
        for column, value in zip(columns, values, strict=True):
            width = unit * column.share
            text = self._fitted(printable(_text(value)), width - GAP, font)
            if column.figure:
                self.canvas.drawRightString(left + width - GAP, self.y, text)
            else:
                self.canvas.drawString(left, self.y, text)
            left += width

    def _fitted(self, text: str, width: float, font: str) -> str:
        if self.canvas.stringWidth(text, font, SIZE) <= width:
            return text
        while text and self.canvas.stringWidth(text + "...", font, SIZE) > width:
            text = text[:-1]
        return text + "..."

    def end(self, file: BytesIO) -> bytes:
        self.canvas.save()
        return file.getvalue()


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def printable(text: str) -> str:
    """What the fonts that every reader has can show; a question mark for the rest. CSV has it as it is."""
    return as_text(text).removeprefix("'").encode("cp1252", "replace").decode("cp1252")
