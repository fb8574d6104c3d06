"""An XLSX workbook is changed in one column's cells; what else it holds stays as it is, byte for byte."""

import io
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from backoffice.adapters.sheets import Workbook, post_statuses, xlsx
from backoffice.adapters.sheets.splice import Splice
from tests.sheets.world import rows_of, status, table

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A workbook with all that operators add to theirs."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "Sheet1"
    for row in table():
        sheet.append(row)
    sheet["A1"].font = Font(bold=True)
    sheet["G2"].fill = PatternFill("solid", fgColor="FFFF00")
    sheet["C3"].comment = Comment("ask her again", "front desk")
    sheet["H2"] = "=LEN(B2)"
    sheet.freeze_panes, sheet.auto_filter.ref = "A2", "A1:G6"
    sheet.column_dimensions["B"].width = 33
    green = PatternFill("solid", bgColor="00FF00")
    rule = CellIsRule("equal", ['"success"'], fill=green)  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add("G2:G9", rule)
    validation = DataValidation("list", '"WhatsApp,front desk,survey"')
    validation.add("E2:E99")
    sheet.add_data_validation(validation)
    chart = BarChart()
    chart.add_data(Reference(range_string="Sheet1!H1:H6"))
    other: Any = book.create_sheet("Charts")
    other.append(["kept"])
    other.add_chart(chart, "B2")
    path = tmp_path / "rich.xlsx"
    book.save(path)
    return path


def parts(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_only_the_status_cells_change(rich: Path) -> None:
    before = parts(rich)
    workbook = Workbook(rich)
    post_statuses(workbook, [status(row) for row in rows_of(workbook)])
    after = parts(rich)
    assert list(after) == list(before)
    assert {name for name in before if before[name] != after[name]} == {SHEET}
    cell = re.compile(rb'<c r="G[2-6]"[^>]*?(/>|>.*?</c>)')
    spans = re.compile(rb' spans="[^"]*"')
    assert cell.sub(b"", spans.sub(b"", after[SHEET])) == cell.sub(b"", spans.sub(b"", before[SHEET]))


def test_formats_formulas_filters_comments_and_charts_are_there_afterwards(rich: Path) -> None:
    workbook = Workbook(rich)
    post_statuses(workbook, [status(row) for row in rows_of(workbook)])
    book = openpyxl.load_workbook(rich)
    sheet = book["Sheet1"]
    assert [sheet[f"G{row}"].value for row in range(2, 7)] == ["success"] * 5
    assert sheet["G2"].fill.fgColor.rgb == "00FFFF00"
    assert sheet["A1"].font.bold
    assert sheet["H2"].value == "=LEN(B2)"
    assert sheet["C3"].comment.text == "ask her again"
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.column_dimensions["B"].width) == ("A2", "A1:G6", 33)
    assert len(sheet.conditional_formatting) == len(sheet.data_validations.dataValidation) == 1
    assert len(book["Charts"]._charts) == 1  # type: ignore[attr-defined]


def test_writing_twice_is_writing_once(rich: Path) -> None:
    workbook = Workbook(rich)
    rows = rows_of(workbook)
    post_statuses(workbook, [status(row) for row in rows])
    once = parts(rich)
    post_statuses(workbook, [status(row) for row in rows])
    assert parts(rich) == once


def spliced(xml: str, column: int, texts: dict[int, str], piece: int) -> tuple[str, set[int]]:
    splice, data = Splice(column, texts), xml.encode()
    out = [splice.feed(data[at : at + piece]) for at in range(0, len(data), piece)]
    return b"".join([*out, splice.end()]).decode(), splice.written


NEW = '<c r="C{row}"{style} t="inlineStr"><is><t>x</t></is></c>'
SHAPES = [
    ("<row r='2'><c r='A2'/></row>", "<row r='2'><c r='A2'/>NEW</row>"),
    ("<row r='2'><c r='D2'/></row>", "<row r='2'>NEW<c r='D2'/></row>"),
    ("<row r='2'><c r='C2' s='5'/></row>", "<row r='2'>NEWs5</row>"),
    (
        "<row r='2'><c r='C2' t='s'><v>7</v></c><c r='D2'><v>1</v></c></row>",
        "<row r='2'>NEW<c r='D2'><v>1</v></c></row>",
    ),
    ("<row r='2'><c r='C2'><f>A2&gt;1</f><v>1</v></c></row>", "<row r='2'>NEW</row>"),
    ("<row r='2'/>", "<row r='2'>NEW</row>"),
    ("<row r='2' spans='1:2'></row>", "<row r='2'>NEW</row>"),
    ("<row r='2' s='4' customFormat='1'/>", "<row r='2' s='4' customFormat='1'>NEWs4</row>"),
    ("<row r='2' ht='a>b'><c/><c/><c/><c/></row>", "<row r='2' ht='a>b'><c/><c/>NEW<c/></row>"),
    ("<row><c/></row><row><c/></row>", "<row><c/></row><row><c/>NEW</row>"),
]


@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize(("rows", "expected"), SHAPES)
def test_each_way_of_writing_a_row_gets_its_cell_in_its_place(rows: str, expected: str, piece: int) -> None:
    around = (
        "<?xml version='1.0' encoding='UTF-8'?>\n<worksheet><!-- <row r='2'/> --><sheetData>{}</sheetData></worksheet>"
    )
    for style in ("s4", "s5", ""):
        expected = expected.replace(f"NEW{style}", NEW.format(row=2, style=f' s="{style[1:]}"' if style else ""))
    assert spliced(around.format(rows), 3, {2: "x"}, piece) == (around.format(expected), {2})


def test_a_prefix_a_column_s_format_and_the_size_are_kept_right() -> None:
    xml = (
        '<x:worksheet xmlns:x="u"><x:dimension ref="A1:B2"/><x:cols><x:col min="2" max="4" style="9"/></x:cols>'
        '<x:sheetData><x:row r="2"><x:c r="A2"/></x:row></x:sheetData></x:worksheet>'
    )
    assert spliced(xml, 3, {2: "a<b"}, 10)[0] == xml.replace("A1:B2", "A1:C2").replace(
        '<x:c r="A2"/>', '<x:c r="A2"/><x:c r="C2" s="9" t="inlineStr"><x:is><x:t>a&lt;b</x:t></x:is></x:c>'
    )


def test_a_row_that_is_not_there_is_not_made() -> None:
    xml = "<worksheet><sheetData><row r='2'/></sheetData></worksheet>"
    assert spliced(xml, 3, {9: "x"}, 100) == (xml, set())


def test_another_encoding_is_refused() -> None:
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?><worksheet/>'
    with pytest.raises(ValueError, match="UTF-8"):
        spliced(xml, 3, {}, 100)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
CELLS = st.dictionaries(st.integers(1, 12), TEXT, max_size=6)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.dictionaries(st.integers(1, 20), CELLS, max_size=8), st.integers(1, 12), st.data())
def test_openpyxl_reads_the_texts_where_they_belong_and_all_else_unchanged(
    rows: dict[int, dict[int, str]], column: int, data: st.DataObject
) -> None:
    texts = data.draw(st.dictionaries(st.sampled_from(sorted(rows)), TEXT)) if rows else {}
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row, cells in rows.items():
        sheet.row_dimensions[row].height = 20
        for at, text in cells.items():
            sheet.cell(row, at).value = text
            sheet.cell(row, at).data_type = "s"
    source, target = io.BytesIO(), io.BytesIO()
    book.save(source)
    assert xlsx.write(source, target, "", column, texts) == set(texts)
    expected = {(row, at): text for row, cells in rows.items() for at, text in cells.items()}
    expected |= {(row, column): text for row, text in texts.items()}
    read = openpyxl.load_workbook(target).active
    found = {(cell.row, cell.column): cell.value for row in read.iter_rows() for cell in row}  # type: ignore[union-attr]
    assert {key: value for key, value in found.items() if value} == {
        key: text for key, text in expected.items() if text
    }


def test_another_writer_s_prefixes_and_absolute_targets_are_understood(tmp_path: Path) -> None:
    """As the Open XML SDK writes: x: before every name, no references, no size."""
    path = tmp_path / "other.xlsx"
    formats = "http://schemas.openxmlformats.org"
    package, office = f"{formats}/package/2006", f"{formats}/officeDocument/2006/relationships"
    main = f'xmlns:x="{formats}/spreadsheetml/2006/main"'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    texts = ["identifier", "phone_number", "status_update_phone_number"]
    header = "".join(f'<x:c t="inlineStr"><x:is><x:t>{text}</x:t></x:is></x:c>' for text in texts)
    row = '<x:c t="inlineStr"><x:is><x:t>A</x:t></x:is></x:c><x:c><x:v>81234567890</x:v></x:c>'
    relation = f'<Relationship Id="rId1" Type="{office}/worksheet" Target="/xl/worksheets/data.xml"/>'
    content = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"/>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{relation}</Relationships>',
        "xl/workbook.xml": f'<x:workbook {main} xmlns:r="{office}"><x:sheets>'
        '<x:sheet name="Data" sheetId="1" r:id="rId1"/></x:sheets></x:workbook>',
        "xl/worksheets/data.xml": f"<x:worksheet {main}><x:sheetData><x:row>{header}</x:row>"
        f"<x:row>{row}</x:row></x:sheetData></x:worksheet>",
    }
    with ZipFile(path, "w", ZIP_DEFLATED) as book:
        for name, text in content.items():
            book.writestr(name, text)
    workbook = Workbook(path)
    (read,) = rows_of(workbook)
    assert (read.identifier, read.phone) == ("A", 81234567890)
    assert post_statuses(workbook, [status(read)]).written == {2: 2}
    sheet: Any = openpyxl.load_workbook(path)["Data"]
    assert [cell.value for cell in sheet[2]] == ["A", 81234567890, "success"]
