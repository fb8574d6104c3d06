"""The clearinghouse's files that are not X12: the file summary, the status report, the ZIP of payments. Nothing raises.

Source: edi.md 3. The columns of the file summary were seen by one integrator ([1] there): a row that does not have its
claim and account number where they should be is a finding, and the X12 answers say the same with more certainty.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from claims.edi.classify import decoded
from claims.edi.findings import Findings

SECTION = re.compile(r"-+\s*(ERROR|ACCEPTED|PENDING) CLAIM DETAIL", re.IGNORECASE)
ROW = re.compile(r"\s*\d+\)")
LEGEND = re.compile(r"\+-+>\s+(\d+)\s+#\s+errors?\s+([A-Z0-9]+)\s*-\s*(.+?)\s*$", re.IGNORECASE)
FILE_NAME = re.compile(r"File Name:\s*(\S+)", re.IGNORECASE)
SPLIT = re.compile(r"The file \S+ was split into", re.IGNORECASE)
CODES = re.compile(r"[A-Z0-9]+", re.IGNORECASE)
TOKEN = re.compile(r"[A-Z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """A claim in a file summary. `outcome`: error, accepted or pending. `account`: our CLM01. `errors`: its codes."""

    line: int
    outcome: str
    clearinghouse_claim: str
    account: str
    payer: str
    errors: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class FileSummary:
    """`name`: the name under which we sent the file. `legend`: the text of each error code. `split`: into several."""

    name: str = ""
    split: bool = False
    rows: list[SummaryRow] = field(default_factory=list)
    legend: dict[str, str] = field(default_factory=dict)


def read_file_summary(data: bytes, findings: Findings) -> FileSummary:
    """Fixed columns, 0-based: blanks in front of a row count, so that nothing is stripped before it is cut."""
    summary = FileSummary()
    outcome = ""
    for number, line in enumerate((decoded(data) or "").splitlines(), start=1):
        if section := SECTION.search(line):
            outcome = section[1].lower()
        elif outcome and ROW.match(line[:7]):
            row = _row(number, line, outcome)
            if row:
                summary.rows.append(row)
            else:
                findings.add(f"line {number}", "report")
        elif legend := LEGEND.search(line):
            summary.legend[legend[2]] = legend[3]
        elif named := FILE_NAME.search(line):
            summary.name = summary.name or named[1]
        elif SPLIT.search(line):
            summary.split = True
    if not summary.rows:
        findings.once("file", "report")
    return summary


def _row(number: int, line: str, outcome: str) -> SummaryRow | None:
    claim, account = line[7:17].strip(), line[121:134].strip()
    if not (claim.isascii() and claim.isalnum() and account.isascii() and account.isalnum()):
        return None
    return SummaryRow(
        line=number,
        outcome=outcome,
        clearinghouse_claim=claim,
        account=account,
        payer=line[146:152].strip(),
        errors=tuple(CODES.findall(line[153:])),
    )


def read_status_report(data: bytes, accounts: Collection[str], findings: Findings) -> list[tuple[int, str]]:
    """Where a status report names claims of ours: line and account. `accounts`: those that wait for an answer.

    No public source shows its columns, so that nothing is decided by it: who reads it is shown where to look. The same
    answers come as a 277.
    """
    wanted = set(accounts)
    named = [
        (number, token)
        for number, line in enumerate((decoded(data) or "").splitlines(), start=1)
        for token in TOKEN.findall(line)
        if token in wanted
    ]
    if not named:
        findings.add("file", "report")
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a ZIP may hold. A member may be `ratio` times its packed size once it is over a mebibyte."""

    members: int = 100
    bytes: int = 256 << 20
    ratio: int = 200


FREE = 1 << 20
ENTRY = b"PK\x01\x02"
OF_A_MAC = "__MACOSX/"
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, OverflowError,
)  # fmt: skip
USUAL_LIMITS = Limits()


def unzipped(data: bytes, findings: Findings, limits: Limits = USUAL_LIMITS) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in a ZIP. Sizes are counted as they unpack, whatever the ZIP says they are.

    At the first member that breaks a limit, nothing more is unpacked: a ZIP that lies is not half read. Directories are
    passed over, and what a Mac keeps beside its files; what lies in one is named by the last part of its path. Nothing
    is ever written anywhere.
    """
    left, seen = limits.bytes, set[str]()
    if data.count(ENTRY) > 10 * limits.members:  # so many that their list alone would take the memory
        findings.add("ZIP", "several")
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [each for each in archive.infolist() if not (each.is_dir() or each.filename.startswith(OF_A_MAC))]
            if len(members) > limits.members:
                findings.add("ZIP", "several")
                return
            for place, member in enumerate(members, start=1):
                name = _name_of(member.filename)
                if not name or name in seen:
                    findings.add(f"file {place} of the ZIP", "name")
                    continue
                most = max(FREE, limits.ratio * min(member.compress_size, len(data)))
                content = _unpacked(archive, member, min(left, most))
                if content is None:
                    findings.add(f"file {place} of the ZIP", "big" if left < most else "ratio")
                    return
                left -= len(content)
                seen.add(name)
                yield name, content
    except BROKEN:
        findings.add("ZIP", "zip")


def _name_of(path: str) -> str:
    """The last part of its path; empty where the path leads out of the ZIP, and of no name at all."""
    *folders, name = re.split(r"[/\\]", path)
    leads_out = path[:1] in ("/", "\\") or ":" in path or ".." in folders
    return "" if leads_out or name in (".", "..") else name


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes | None:
    """None where there is more than `most`."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile
    with archive.open(member) as file:
        content = file.read(most + 1)
    return content if len(content) <= most else None
