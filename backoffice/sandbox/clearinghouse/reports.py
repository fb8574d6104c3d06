"""The clearinghouse's files that are not X12: the summary of a file of claims, and payments in a ZIP. Names are those
that Office Ally's users report; so are the summary's columns, 0-based in COLUMNS, of which no official text was found.
"""

import io
import zipfile
from collections.abc import Collection, Iterator, Sequence

from backoffice.sandbox.clearinghouse.answers import Answering, money
from backoffice.sandbox.clearinghouse.submission import Claim, ClaimSet

COLUMNS = {"claim": 0, "id": 7, "patient": 19, "name": 37, "code": 92, "account": 121, "payer": 146, "errors": 153}
ERROR, MEANS = "E562", "PROVIDER NPI IS NOT ON FILE"


def file_summary(answering: Answering, name: str, sets: Sequence[ClaimSet], rejected: Collection[str]) -> bytes:
    """What became of each claim of the file that was sent as `name`; those of `rejected` (CLM01) are errors."""
    claims = [claim for each in sets for claim in each.claims]
    numbered = [(f"{answering.number % 100_000:05d}{at:05d}", claim) for at, claim in enumerate(claims, 1)]
    errors = [(key, claim) for key, claim in numbered if claim.account in rejected]
    accepted = [(key, claim) for key, claim in numbered if claim.account not in rejected]
    lines = [
        "CLAIMS UPLOAD FILE SUMMARY",
        f"File Name: {name}",
        f"Date Processed: {answering.now:%m/%d/%Y}",
        f"File ID: {answering.number}",
        f"Claims: {len(claims)}, accepted {len(accepted)}, with errors {len(errors)}",
        f"Total Charges: {money(sum(claim.charge for claim in claims))}",
    ]
    if errors:
        lines += [f"+---> {len(errors)} # errors {ERROR} - {MEANS}", "", "-------ERROR CLAIM DETAIL"]
        lines += _rows(errors, ERROR)
    if accepted:
        lines += ["", "-------ACCEPTED CLAIM DETAIL", *_rows(accepted, "")]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", errors="replace")


def _rows(claims: Sequence[tuple[str, Claim]], errors: str) -> Iterator[str]:
    """`claims` with the clearinghouse's number of each."""
    for number, (key, claim) in enumerate(claims, 1):
        cells = {
            "claim": f"{number:>5})", "id": key,
            "patient": claim.member[:18], "name": f"{claim.patient[2]}, {claim.patient[3]}"[:20],
            "code": claim.lines[0].procedure.split(":")[1][:6] if claim.lines else "", "account": claim.account[:13],
            "payer": claim.payer[8][:6], "errors": errors,
        }  # fmt: skip
        line = ""
        for column, text in cells.items():
            line = line.ljust(COLUMNS[column]) + text
        yield line.rstrip()


def zipped(answering: Answering, payment: bytes) -> tuple[str, bytes]:
    """A ZIP of an 835 and a report of it, with its name; the same bytes for the same payment."""
    report = f"ERA STATUS\r\nFile ID: {answering.number}\r\nClaims: {payment.count(b'CLP*')}\r\n".encode()
    stem, packed = f"{answering.number}_ERA_STATUS_5010_{answering.day}", io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((f"{stem}.835", payment), (f"{stem}.txt", report)):
            archive.writestr(zipfile.ZipInfo(name, answering.now.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return f"{stem}.zip", packed.getvalue()
