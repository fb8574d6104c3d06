"""What a file is: by its content first, by its name where text alone does not say. Source: edi.md 3.

Names differ between accounts of the same clearinghouse; what is in the file does not.
"""

import re
from enum import StrEnum

from claims.edi.envelope import transactions
from claims.edi.findings import Findings

LOOKED_AT = 1 << 16


class Kind(StrEnum):
    CLAIMS = "837"
    INTERCHANGE_ANSWER = "TA1"
    SYNTAX_ANSWER = "999"
    OLD_SYNTAX_ANSWER = "997"
    CLAIM_ANSWER = "277"  # 277CA and the payer's 277
    PAYMENT = "835"
    OTHER_X12 = "other X12"
    FILE_SUMMARY = "file summary"
    STATUS_REPORT = "status report"
    PAYMENT_REPORT = "payment report"
    ZIP = "ZIP"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"


SETS = {kind.value: kind for kind in Kind}
HEADS = "-(?:ERROR|ACCEPTED|PENDING) CLAIM DETAIL|CLAIMS? (?:UPLOAD )?FILE SUMMARY"
ADVICE = "REMITTANCE ADVICE|ERA STATUS|EXPLANATION OF (?:PAYMENT|BENEFITS)"
TEXTS = (
    (
        Kind.FILE_SUMMARY,
        re.compile(HEADS, re.IGNORECASE),
    ),
    (Kind.STATUS_REPORT, re.compile(r"EDI STATUS|CLAIM STATUS REPORT", re.IGNORECASE)),
    (
        Kind.PAYMENT_REPORT,
        re.compile(ADVICE, re.IGNORECASE),
    ),
)
NAMES = (
    (Kind.FILE_SUMMARY, re.compile(r"FS_HCFA|_FS_|ErrorReport", re.IGNORECASE)),
    (Kind.STATUS_REPORT, re.compile(r"EDI_STATUS", re.IGNORECASE)),
    (Kind.PAYMENT_REPORT, re.compile(r"ERA_STATUS", re.IGNORECASE)),
)


def classify(data: bytes, name: str = "") -> Kind:
    """Never raises. A file with sets of several kinds is called by the first; a reader looks at each set."""
    if not data.strip(b"\0 \t\r\n\x1a\xef\xbb\xbf"):
        return Kind.EMPTY
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return Kind.ZIP
    if found := _as_x12(data):
        return found
    text = decoded(data[:LOOKED_AT])
    if text is None:
        return Kind.UNKNOWN
    for kind, pattern in TEXTS:
        if pattern.search(text):
            return kind
    return next((kind for kind, pattern in NAMES if pattern.search(name)), Kind.TEXT)


def _as_x12(data: bytes) -> Kind | None:
    findings = Findings()
    acknowledged = None
    for transaction in transactions(data[:LOOKED_AT], findings):
        if transaction.kind != Kind.INTERCHANGE_ANSWER:
            return SETS.get(transaction.kind, Kind.OTHER_X12)
        acknowledged = Kind.INTERCHANGE_ANSWER
    return acknowledged or (None if findings.counts["no-x12"] else Kind.OTHER_X12)


def decoded(data: bytes) -> str | None:
    """The text of a report, UTF-8 or Windows-1252; None where it is no text."""
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    odd = sum(1 for character in text if character == "\ufffd" or (character < " " and character not in "\t\r\n\f\x1a"))
    return text if odd * 50 <= len(text) else None
