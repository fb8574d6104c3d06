"""What a clearinghouse understands of an 837P that it is sent: enough to answer it, and no more.

Source: X12 005010X222A1. Written for the sandbox alone, so that a fault of the product's reader or writer is not hidden
by the same fault here.
"""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation


@dataclass(slots=True)
class Line:
    """SV1. `procedure`: code and modifiers as sent, "HC:T1019:U1". `days`: one or two of CCYYMMDD."""

    procedure: str
    charge: Decimal
    units: str
    days: list[str] = field(default_factory=list)
    reference: str = ""


@dataclass(slots=True)
class Claim:
    """CLM and what stands around it. `place`: CLM05 as sent. Parties are the elements of their NM1, or empty."""

    account: str
    charge: Decimal
    place: list[str]
    provider: "Provider"
    payer: list[str]
    patient: list[str]
    member: str
    filing: str
    position: int  # of CLM in its set, from 1 for ST
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Provider:
    """2010AA: the elements of NM1*85, N3 and N4, and REF*EI or SY."""

    name: list[str]
    street: list[str] = field(default_factory=list)
    city: list[str] = field(default_factory=list)
    tax_id: str = ""


@dataclass(slots=True)
class ClaimSet:
    """ST to SE. `number`: ST02; `batch`: BHT03; `faults`: codes of IK502."""

    number: str
    batch: str = ""
    claims: list[Claim] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    segments: int = 0
    submitter: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Submission:
    """A whole file. `isa`: its elements. `note`: TA105 for what is wrong with the envelope, "000" for nothing."""

    isa: list[str]
    component: str = ":"
    group: list[str] = field(default_factory=list)
    sets: list[ClaimSet] = field(default_factory=list)
    note: str = "000"

    @property
    def key(self) -> tuple[str, str, str]:
        """By what it is known again: sender, ISA13 and whether it is a test."""
        return self.isa[6].strip(), self.isa[13], self.isa[15]


def read(content: bytes) -> Submission | None:
    """None: not an interchange. What is wrong within one is noted, and the rest is read."""
    text = content.decode("latin-1").lstrip("\ufeff\r\n ")
    if not text.startswith("ISA") or len(text) < 106:
        return None
    isa = text[:105].split(text[3])
    if len(isa) != 17:
        return None
    reading = _Reading(Submission(isa, text[104]))
    segments = text[106:].split(text[105])
    for segment in segments[:-1]:
        reading.take(segment.strip("\r\n").split(text[3]))
    reading.end(cut_off=bool(segments[-1].strip()))
    return reading.submission


class _Reading:
    """Where in the loops the reading is."""

    def __init__(self, submission: Submission) -> None:
        self.submission, self.component = submission, submission.component
        self.set: ClaimSet | None = None
        self.provider = Provider([])
        self.subscriber: list[str] = []
        self.payer: list[str] = []
        self.patient: list[str] = []
        self.filing, self.place = "", ""
        self.in_claim = self.ended = False

    def take(self, elements: list[str]) -> None:
        name = elements[0]
        elements = elements + [""] * 12
        if self.set is not None:
            self.set.segments += 1
        if name in _ENVELOPE:
            getattr(self, f"_{name.lower()}")(elements)
        elif self.set is not None:
            self._in_set(self.set, name, elements)

    def end(self, *, cut_off: bool) -> None:
        if cut_off or not self.ended:
            self.submission.note = "023"
        elif len(self.submission.group) < 9:
            self.submission.note = "024"

    def _gs(self, elements: list[str]) -> None:
        self.submission.group = elements[:9]

    def _st(self, elements: list[str]) -> None:
        self.set, self.in_claim = ClaimSet(elements[2], segments=1), False
        if elements[1] != "837":
            self.set.faults.append("1")
        self.submission.sets.append(self.set)

    def _se(self, elements: list[str]) -> None:
        if self.set is not None:
            self.set.faults += ["4"] if elements[1] != str(self.set.segments) else []
            self.set.faults += ["3"] if elements[2] != self.set.number else []
        self.set = None

    def _ge(self, elements: list[str]) -> None:
        if self.set is not None:
            self.set.faults.append("2")
        self.set = None

    def _iea(self, elements: list[str]) -> None:
        self.ended = True
        if elements[2] != self.submission.isa[13]:
            self.submission.note = "001"

    def _in_set(self, within: ClaimSet, name: str, elements: list[str]) -> None:
        if name == "HL":
            self.in_claim, self.place = False, ""
        elif name == "CLM":
            self.in_claim = True
            within.claims.append(self._claim(within, elements))
        elif self.in_claim:
            self._of_claim(within.claims[-1], name, elements)
        elif name == "BHT":
            within.batch = elements[3]
        elif name == "SBR":
            self.filing, self.patient = elements[9], []
        elif name == "NM1":
            self._party(within, elements)
        elif name in ("N3", "N4", "REF") and self.place == "85":
            self._of_provider(name, elements)

    def _party(self, within: ClaimSet, elements: list[str]) -> None:
        self.place, party = elements[1], elements[1:10]
        if self.place == "41":
            within.submitter = party
        elif self.place == "85":
            self.provider = Provider(party)
        elif self.place == "IL":
            self.subscriber = party
        elif self.place == "PR":
            self.payer = party
        elif self.place == "QC":
            self.patient = party

    def _of_provider(self, name: str, elements: list[str]) -> None:
        if name == "N3":
            self.provider.street = elements[1:3]
        elif name == "N4":
            self.provider.city = elements[1:4]
        elif elements[1] in ("EI", "SY"):
            self.provider.tax_id = elements[2]

    def _claim(self, within: ClaimSet, elements: list[str]) -> Claim:
        return Claim(
            account=elements[1],
            charge=_money(elements[2]),
            place=elements[5].split(self.component),
            provider=self.provider,
            payer=self.payer,
            patient=self.patient or self.subscriber,
            member=(self.subscriber + [""] * 9)[8],
            filing=self.filing,
            position=within.segments,
        )

    def _of_claim(self, claim: Claim, name: str, elements: list[str]) -> None:
        if name == "SV1":
            procedure = ":".join(elements[1].split(self.component)[:6]).rstrip(":")
            claim.lines.append(Line(procedure, _money(elements[2]), elements[4]))
        elif claim.lines and name == "DTP" and elements[1] == "472":
            claim.lines[-1].days = elements[3].split("-")
        elif claim.lines and name == "REF" and elements[1] == "6R":
            claim.lines[-1].reference = elements[2]


_ENVELOPE = ("GS", "ST", "SE", "GE", "IEA")


def _money(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)
