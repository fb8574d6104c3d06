"""Every set of a file through the reader of its kind. A file may hold several kinds; a bad set stops no other."""

from collections.abc import Callable, Iterable, Iterator

from claims.edi.envelope import Transaction, transactions
from claims.edi.findings import Findings
from claims.edi.read_277ca import StatusAnswer, read_277ca
from claims.edi.read_835 import Record, read_835
from claims.edi.read_837p import SubmittedClaim, read_837p
from claims.edi.read_999 import GroupAnswer, read_999
from claims.edi.read_ta1 import InterchangeAnswer, read_ta1
from claims.edi.x12 import Source

Said = InterchangeAnswer | GroupAnswer | StatusAnswer | Record | SubmittedClaim
READERS: dict[str, Callable[[Transaction, Findings], Iterator[Said]]] = {
    "TA1": read_ta1,
    "999": read_999,
    "997": read_999,
    "277": read_277ca,
    "835": read_835,
    "837": read_837p,
}


def read(source: Source, findings: Findings) -> Iterator[tuple[Transaction, Iterable[Said]]]:
    """Each set with what it says, in order; what it says is read as it is asked for, before the next set is.

    `source`: bytes, or an open binary file, of which little is held at a time.
    """
    for transaction in transactions(source, findings):
        if reader := READERS.get(transaction.kind):
            yield transaction, reader(transaction, findings)
        else:
            findings.add(f"segment {transaction.segment} (ST)", "other-set")
