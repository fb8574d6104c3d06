"""What runs inside a measured process of the edi benchmark. Arguments: whether to read from file or bytes; the file."""

import json
import sys
import time
from pathlib import Path

from claims.edi.adjudication import adjudicated
from claims.edi.answers import read
from claims.edi.findings import Findings
from claims.edi.remittance import PaidClaim, PaymentEnd
from claims.edi.status import State
from claims.edi.x12 import Source


def main(source: str, file: Path) -> None:
    if source == "bytes":
        said = read_all(file.read_bytes())
    else:
        with file.open("rb") as opened:
            said = read_all(opened)
    sys.stdout.write(json.dumps(said) + "\n")


def read_all(source: Source) -> dict[str, object]:
    began = time.perf_counter()
    claims = partly = 0
    end = None
    for _, said in read(source, Findings()):
        for each in said:
            if isinstance(each, PaidClaim):
                claims += 1
                partly += adjudicated(each).state == State.PARTLY_PAID
            elif isinstance(each, PaymentEnd):
                end = each
    seconds = time.perf_counter() - began
    whole = end is not None and end.postable and partly == claims
    lines, paid = (end.lines, str(end.paid)) if end else (0, "0")
    return {"claims": claims, "lines": lines, "paid": paid, "postable": whole, "seconds": seconds}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
