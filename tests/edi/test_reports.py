"""What a file is by its content, and the clearinghouse's files that are not X12. edi.md 3; S3-10, S3-11."""

import io
import zipfile
from collections.abc import Callable

import pytest

from claims.edi.classify import Kind, classify
from claims.edi.findings import Findings
from claims.edi.reports import Limits, SummaryRow, read_file_summary, read_status_report, unzipped
from tests.edi.written import ALL_KINDS, PAYMENT, codes


def row(number: int, claim: str, account: str, errors: str = "") -> str:
    """A line of a file summary, by its columns."""
    cells = {0: f"{number:>4})", 7: claim, 19: "M1", 37: "DOE JANE", 92: "99213", 121: account, 146: "87726"}
    line = ""
    for column, text in cells.items():
        line = line.ljust(column) + text
    return f"{line:<153}{errors}".rstrip()


SUMMARY = "\r\n".join(
    (
        "CLAIMS UPLOAD FILE SUMMARY",
        "File Name: OATEST_837P_MED_20260105120000_000000905.txt",
        "Date Processed: 01/05/2026",
        "The file 123456789 was split into 2 files",
        "+---> 1 # errors E12 - INVALID PAYER ID",
        "",
        "-------ERROR CLAIM DETAIL",
        row(1, "1234567890", "A000000000001", "E12, E40"),
        "-------ACCEPTED CLAIM DETAIL",
        row(1, "1234567891", "A2"),
        row(2, "1234567892", "A3"),
        "-------PENDING CLAIM DETAIL",
        row(1, "1234567893", "A4"),
    )
).encode()


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def members(data: bytes, **limits: int) -> tuple[list[tuple[str, bytes]], list[str]]:
    findings = Findings()
    return list(unzipped(data, findings, Limits(**limits))), codes(findings)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (ALL_KINDS["835"], "1_EDI_STATUS_20260105.txt", Kind.PAYMENT),
        (ALL_KINDS["277"], "1_HCFA_277ca_20260105.txt", Kind.CLAIM_ANSWER),
        (ALL_KINDS["999"], "", Kind.SYNTAX_ANSWER),
        (ALL_KINDS["837"], "FS_HCFA_1_IN_C.txt", Kind.CLAIMS),
        (ALL_KINDS["TA1"], "", Kind.INTERCHANGE_ANSWER),
        (ALL_KINDS["TA1"] + ALL_KINDS["999"], "", Kind.SYNTAX_ANSWER),
        (ALL_KINDS["999"].replace(b"ST*999", b"ST*271"), "", Kind.OTHER_X12),
        (b"\xef\xbb\xbf\r\n" + PAYMENT, "", Kind.PAYMENT),
        (SUMMARY, "anything.txt", Kind.FILE_SUMMARY),
        (b"Nothing was accepted.", "FS_HCFA_123_IN_C.txt", Kind.FILE_SUMMARY),
        (b"Nothing was accepted.", "x_FS_123.txt", Kind.FILE_SUMMARY),
        (b"EDI STATUS REPORT\n", "", Kind.STATUS_REPORT),
        (b"Payers say:\n", "123456789_EDI_STATUS_20260105.txt", Kind.STATUS_REPORT),
        (b"A list\n", "1_ERA_STATUS_5010_20260105.txt", Kind.PAYMENT_REPORT),
        (b"Dear all", "letter.txt", Kind.TEXT),
        (zipped(("a.835", PAYMENT)), "1_ERA_STATUS_5010_20260105.zip", Kind.ZIP),
        (b"", "empty.txt", Kind.EMPTY),
        (b"\r\n \x1a", "", Kind.EMPTY),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "FS_HCFA_1.txt", Kind.UNKNOWN),
        (bytes(range(128, 160)) * 4, "", Kind.UNKNOWN),
    ],
)
def test_a_file_is_known_by_its_content_first_and_by_its_name_second(data: bytes, name: str, kind: Kind) -> None:
    assert classify(data, name) == kind


def test_a_file_summary_is_read_by_its_columns() -> None:
    findings = Findings()
    summary = read_file_summary(SUMMARY, findings)
    assert summary.name == "OATEST_837P_MED_20260105120000_000000905.txt"
    assert summary.split
    assert summary.legend == {"E12": "INVALID PAYER ID"}
    assert [(each.outcome, each.clearinghouse_claim, each.account) for each in summary.rows] == [
        ("error", "1234567890", "A000000000001"),
        ("accepted", "1234567891", "A2"),
        ("accepted", "1234567892", "A3"),
        ("pending", "1234567893", "A4"),
    ]
    assert summary.rows[0] == SummaryRow(
        line=8,
        outcome="error",
        clearinghouse_claim="1234567890",
        account="A000000000001",
        payer="87726",
        errors=("E12", "E40"),
    )
    assert codes(findings) == []


def test_a_row_whose_columns_are_elsewhere_is_reported_and_not_guessed() -> None:
    """Blanks in front count: stripping them first moves every column."""
    findings = Findings()
    moved = SUMMARY.replace(row(1, "1234567891", "A2").encode(), row(1, "1234567891", "A2").strip().encode())
    summary = read_file_summary(moved, findings)
    assert [each.account for each in summary.rows] == ["A000000000001", "A3", "A4"]
    assert [(each.place, each.code) for each in findings.found] == [("line 10", "report")]


def test_a_status_report_shows_where_our_claims_are_named_and_decides_nothing() -> None:
    findings = Findings()
    report = b"EDI STATUS\n1 A000000000001 ACKNOWLEDGED\n2 A2 REJECTED: SEE A2X\n"
    assert read_status_report(report, ["A000000000001", "A2", "A3"], findings) == [(2, "A000000000001"), (3, "A2")]
    assert codes(findings) == []
    assert read_status_report(report, ["A3"], findings) == []
    assert codes(findings) == ["report"]


def test_a_zip_of_payments_is_unpacked() -> None:
    files = [("1_ERA_835_5010_20260105.835", PAYMENT), ("1_ERA_STATUS_5010_20260105.txt", b"text")]
    assert members(zipped(*files)) == (files, [])
    assert members(zipped(*files, method=zipfile.ZIP_STORED)) == (files, [])


def test_what_lies_in_a_folder_of_a_zip_is_called_by_its_name() -> None:
    """An 835 in a folder was passed over, and nobody was told."""
    data = zipped(("2026/jan/a.835", PAYMENT), ("x\\b.835", PAYMENT), ("__MACOSX/x/._b.835", b"\0"))
    assert members(data) == ([("a.835", PAYMENT), ("b.835", PAYMENT)], [])


def bomb() -> bytes:
    return zipped(("a.835", PAYMENT), ("b.835", b"\0" * (64 << 20)), ("c.835", PAYMENT))


def test_a_zip_bomb_is_given_up_before_it_has_gone_off() -> None:
    """64 MiB from 64 KiB: nothing more is unpacked."""
    found, said = members(bomb())
    assert (found, said) == ([("a.835", PAYMENT)], ["ratio"])


def lying(data: bytes) -> bytes:
    """The sizes in the directory say that every file has one byte."""
    start = data.index(b"PK\x01\x02")
    return data[: start + 24] + (1).to_bytes(4, "little") + data[start + 28 :]


@pytest.mark.parametrize(
    ("make", "limits", "code"),
    [
        (lambda: zipped(*((f"{number}.txt", b"x") for number in range(4))), {"members": 3}, "several"),
        (lambda: zipped(*((f"{number}.txt", b"x") for number in range(40))), {"members": 3}, "several"),
        (lambda: zipped(("a", b"x" * 600), ("b", b"x" * 600)), {"bytes": 1_000}, "big"),
        (lambda: zipped(("../a.835", PAYMENT)), {}, "name"),
        (lambda: zipped(("/a.835", PAYMENT)), {}, "name"),
        (lambda: zipped(("x/a.835", PAYMENT), ("y/a.835", PAYMENT)), {}, "name"),
        (lambda: zipped(("..\\a.835", PAYMENT)), {}, "name"),
        (lambda: zipped(("a.835", PAYMENT), method=zipfile.ZIP_LZMA), {}, "zip"),
        (lambda: zipped(("a.835", PAYMENT))[:-30], {}, "zip"),
        (lambda: zipped(("a.835", PAYMENT)).replace(PAYMENT[:4], b"", 1)[:200], {}, "zip"),
        (lambda: lying(zipped(("a.835", PAYMENT))), {}, "zip"),
    ],
)
def test_a_zip_that_breaks_a_limit_is_a_finding(make: Callable[[], bytes], limits: dict[str, int], code: str) -> None:
    assert code in members(make(), **limits)[1]


def test_an_encrypted_zip_is_a_finding() -> None:
    data = bytearray(zipped(("a.835", PAYMENT)))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    assert members(bytes(data)) == ([], ["zip"])
