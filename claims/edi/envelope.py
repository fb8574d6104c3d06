"""Transaction sets with the envelope they came in. Wrong counts and missing trailers are reported, and reading goes on.

A set's segments are read as they are asked for, once and in order; what is left of them when the next set is asked for
is passed over. A TA1, which stands outside of any set, is handed out as a set of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from claims.edi.findings import Findings
from claims.edi.values import day_of, same_number
from claims.edi.x12 import Segment, Source, segments

ENVELOPE = frozenset(("ISA", "IEA", "GS", "GE", "ST"))


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One ST to SE. `whole`, known once the body was read to its end: its trailer is there, with its count and number.

    `key` makes a set known again, whatever file it comes in (edi.md 6.6). `version`: ST03, else GS08.
    `sender_qualifier` and `receiver_qualifier`: ISA05 and ISA07; `group_sender` and `group_receiver`: GS02 and GS03.
    """

    sender: str
    receiver: str
    sender_qualifier: str = ""
    receiver_qualifier: str = ""
    group_sender: str = ""
    group_receiver: str = ""
    interchange: str  # ISA13
    day: str = ""  # ISA09, ISO
    usage: str  # ISA15: P or T
    group: str  # GS06
    group_kind: str  # GS01
    kind: str  # ST01, or TA1
    number: str  # ST02
    version: str
    segment: int
    body: Iterator[Segment] = field(repr=False)
    whole: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.sender, self.interchange, self.group, self.number


def transactions(source: Source, findings: Findings) -> Iterator[Transaction]:
    """The sets of all interchanges in the file, in order."""
    walk = _Walk(segments(source, findings), findings)
    while segment := walk.take():
        if segment.id == "ST":
            walk.sets += 1
            if not walk.gs:
                findings.add(segment.place(), "no-gs")
            yield from walk.hand_out(segment)
        elif segment.id == "TA1":
            yield walk.acknowledged(segment)
        elif change := CHANGES.get(segment.id):
            change(walk, segment)
        else:
            findings.add(segment.place(), "stray")
    walk.close_interchange(None)


class _Walk:
    """Where in the envelopes the reading is."""

    def __init__(self, stream: Iterator[Segment], findings: Findings) -> None:
        self.stream = stream
        self.findings = findings
        self.returned: Segment | None = None
        self.isa: Segment | None = None
        self.gs: Segment | None = None
        self.sets = self.groups = 0

    def take(self) -> Segment | None:
        returned, self.returned = self.returned, None
        return returned or next(self.stream, None)

    def hand_out(self, st: Segment) -> Iterator[Transaction]:
        found = self._transaction(st, iter(()))
        found.body = self._body(st, found)
        yield found
        for _ in found.body:
            pass

    def acknowledged(self, ta1: Segment) -> Transaction:
        return self._transaction(ta1, iter((ta1,)))

    def _transaction(self, first: Segment, body: Iterator[Segment]) -> Transaction:
        isa, gs = self.isa, self.gs
        is_set = first.id == "ST"
        return Transaction(
            sender=isa.at(6) if isa else "",
            receiver=isa.at(8) if isa else "",
            sender_qualifier=isa.at(5) if isa else "",
            receiver_qualifier=isa.at(7) if isa else "",
            group_sender=gs.at(2) if gs and is_set else "",
            group_receiver=gs.at(3) if gs and is_set else "",
            interchange=isa.at(13) if isa else "",
            day=_iso(isa.at(9)) if isa else "",
            usage=isa.at(15) if isa else "",
            group=gs.at(6) if gs and is_set else "",
            group_kind=gs.at(1) if gs and is_set else "",
            kind=first.at(1) if is_set else first.id,
            number=first.at(2) if is_set else "",
            version=((first.at(3) or (gs.at(8) if gs else "")) if is_set else ""),
            segment=first.number,
            body=body,
            whole=not is_set,
        )

    def _body(self, st: Segment, found: Transaction) -> Iterator[Segment]:
        count = 1
        for segment in self.stream:  # none was returned: the one before was ST
            count += 1
            name = segment.id
            if name == "SE":
                found.whole = self._check(segment, "se", count, st.at(2))
                return
            if name in ENVELOPE:
                self.returned = segment
                break
            yield segment
        self.findings.add(st.place(), "no-se")

    def _check(self, trailer: Segment, name: str, count: int, number: str) -> bool:
        counted = same_number(trailer.at(1), str(count))
        named = same_number(trailer.at(2), number)
        if not counted:
            self.findings.add(trailer.place(1), f"{name}-count")
        if not named:
            self.findings.add(trailer.place(2), f"{name}-number")
        return counted and named

    def open_interchange(self, isa: Segment) -> None:
        self.close_interchange(None)
        self.isa = isa

    def open_group(self, gs: Segment) -> None:
        self.close_group(None)
        self.gs = gs
        self.groups += 1

    def close_group(self, ge: Segment | None) -> None:
        """`ge` is None where the group ends without a trailer."""
        if ge and self.gs:
            self._check(ge, "ge", self.sets, self.gs.at(6))
        elif self.gs:
            self.findings.add(self.gs.place(), "no-ge")
        elif ge:
            self.findings.add(ge.place(), "stray")
        self.gs, self.sets = None, 0

    def close_interchange(self, iea: Segment | None) -> None:
        if self.gs:
            self.close_group(None)
        if iea and self.isa:
            self._check(iea, "iea", self.groups, self.isa.at(13))
        elif self.isa:
            self.findings.add(self.isa.place(), "no-iea")
        elif iea:
            self.findings.add(iea.place(), "stray")
        self.isa, self.sets, self.groups = None, 0, 0


def _iso(text: str) -> str:
    found = day_of(text)
    return found.isoformat() if found else ""


CHANGES = {
    "ISA": _Walk.open_interchange,
    "GS": _Walk.open_group,
    "GE": _Walk.close_group,
    "IEA": _Walk.close_interchange,
}
