"""What is wrong with a file, said without a word of what is in it: a place, a code, and a sentence of this table."""

from collections import Counter
from dataclasses import dataclass, field

MOST = 200  # findings kept of one file; the rest is counted, so that garbage takes no memory

SENTENCES = {
    "adjustment": "An adjustment has a reason without an amount, or an amount without a reason.",
    "amount": "An amount is not a number; it was read as 0.",
    "big": "A file is larger than the limit; it was not read.",
    "binary": "The file is neither X12, nor text, nor a ZIP.",
    "composite": "A composite has fewer parts than it must have: it may use another separator than the header names.",
    "cp1252": "Some text is not UTF-8; it was read as Windows-1252.",
    "date": "A date is not a date; it was left out.",
    "delimiters": "The interchange header names delimiters that cannot be told from data; it was not read.",
    "empty": "The file is empty.",
    "ge-count": "The group's trailer counts other transaction sets than there are.",
    "ge-number": "The group's trailer has another number than its header.",
    "hierarchy": "A segment stands where no loop for it is open; it was left out.",
    "iea-count": "The interchange's trailer counts other groups than there are.",
    "iea-number": "The interchange's trailer has another number than its header.",
    "isa-length": "The interchange header is not 106 characters long; its elements were read by their separators.",
    "junk": "There is text outside of every interchange; it was left out.",
    "long": "A segment has no end; it was left out.",
    "name": "A name in the ZIP leads out of it, or is there twice; the file was not read.",
    "no-acknowledged": "An acknowledgement says for nothing what became of it.",
    "no-ge": "A group has no trailer.",
    "no-gs": "A transaction set stands outside of a group.",
    "no-iea": "An interchange has no trailer.",
    "no-isa": "The file begins without an interchange header; usual delimiters were assumed.",
    "no-key": "A claim has no account number, so that it can be matched to nothing.",
    "no-money": "A payment has no amount: BPR is missing.",
    "no-se": "A transaction set has no trailer: it may be cut off.",
    "no-trace": "A payment has no trace number: TRN is missing.",
    "no-x12": "The file is not X12.",
    "number": "A count is not a number; it was read as 0.",
    "other-receiver": "A transaction set is addressed to somebody else.",
    "other-set": "A transaction set of this kind is not read here.",
    "ratio": "The ZIP unpacks to far more than it is; it was not read.",
    "report": "The report has no line that could be read as a claim.",
    "se-count": "The transaction set's trailer counts other segments than there are.",
    "se-number": "The transaction set's trailer has another number than its header.",
    "several": "The ZIP holds more files than the limit; it was not read.",
    "status": "A status has no category.",
    "stray": "A segment stands outside of every transaction set; it was left out.",
    "unterminated": "The last segment is not ended: the file may be cut off.",
    "zip": "The ZIP is damaged, encrypted or packed in a way that is not read.",
}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`place`: where in the file, by number ("segment 12, CLP03"). `code`: a key of SENTENCES, `says` its sentence."""

    place: str
    code: str

    @property
    def says(self) -> str:
        return SENTENCES[self.code]


@dataclass(slots=True)
class Findings:
    """The diagnostics of one file: the first ones as they are, `more` beyond `limit`, and all by code in `counts`."""

    limit: int = MOST
    found: list[Diagnostic] = field(default_factory=list)
    more: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, place: str, code: str) -> None:
        self.counts[code] += 1
        if len(self.found) < self.limit:
            self.found.append(Diagnostic(place, code))
        else:
            self.more += 1

    def once(self, place: str, code: str) -> None:
        """As add, the first time only: what holds for a whole file is not said line by line."""
        if not self.counts[code]:
            self.add(place, code)
