"""999 and 997: whether the syntax of what we sent was right, set by set. Source: edi.md 6.2.

A rejected set rejects all its claims; an accepted one says nothing of them but that they could be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from claims.edi.envelope import Transaction
from claims.edi.findings import Findings
from claims.edi.values import count, same_number
from claims.edi.x12 import Segment

ACCEPTED = frozenset("AE")


@dataclass(slots=True, kw_only=True)
class SyntaxError999:
    """IK3 or AK3: `name` at `position` in our set, in `loop`; codes of IK304 and, by element, of IK403.

    `account`: our CLM01, where a CTX names the claim. What we sent (IK404) is not taken over.
    """

    segment: int
    name: str
    position: int
    loop: str
    code: str
    elements: list[tuple[str, str]] = field(default_factory=list)
    account: str = ""


@dataclass(slots=True, kw_only=True)
class SetAnswer:
    """AK2 to IK5 or AK5. `number`: our ST02. `code`: A, E accepted with errors; R, M, W, X rejected; "" not said."""

    segment: int
    kind: str
    number: str
    code: str = ""
    reasons: list[str] = field(default_factory=list)
    errors: list[SyntaxError999] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return self.code in ACCEPTED


@dataclass(slots=True, kw_only=True)
class GroupAnswer:
    """`group`: our GS06. `code`: as of a set, and P: some sets were accepted, each says itself."""

    segment: int
    kind: str
    group: str
    code: str = ""
    reasons: list[str] = field(default_factory=list)
    included: int = 0
    received: int = 0
    accepted: int = 0
    sets: list[SetAnswer] = field(default_factory=list)

    def accepts(self, number: str) -> bool | None:
        """Whether our set `number` (ST02) was accepted; None where neither it nor its group was decided on."""
        if self.code and self.code not in ACCEPTED | {"P"}:
            return False
        for each in self.sets:
            if same_number(each.number, number) and each.code:
                return each.accepted
        return True if self.code in ACCEPTED else None


def read_999(transaction: Transaction, findings: Findings) -> Iterator[GroupAnswer]:
    """One GroupAnswer for each AK1; as a rule one in a set."""
    group: GroupAnswer | None = None
    for segment in transaction.body:
        if segment.id == "AK1":
            if group:
                yield _checked(group, findings)
            group = GroupAnswer(segment=segment.number, kind=segment.at(1), group=segment.at(2))
        elif group:
            _read(group, segment, findings)
        else:
            findings.add(segment.place(), "hierarchy")
    if group:
        yield _checked(group, findings)
    else:
        findings.add(f"segment {transaction.segment} (ST)", "no-acknowledged")


def _checked(group: GroupAnswer, findings: Findings) -> GroupAnswer:
    answers: list[GroupAnswer | SetAnswer] = [group, *group.sets]
    for answer in answers:
        if not answer.code:
            findings.add(f"segment {answer.segment}", "no-acknowledged")
    return group


def _read(group: GroupAnswer, segment: Segment, findings: Findings) -> None:
    name = segment.id
    if name == "AK2":
        group.sets.append(SetAnswer(segment=segment.number, kind=segment.at(1), number=segment.at(2)))
    elif name == "AK9":
        group.code = segment.at(1)
        group.included, group.received, group.accepted = (count(segment, each, findings) for each in (2, 3, 4))
        group.reasons = _codes(segment, 5)
    elif name in KNOWN_IN_SET and group.sets:
        _read_set(group.sets[-1], segment, findings)
    else:
        findings.add(segment.place(), "hierarchy")


KNOWN_IN_SET = frozenset(("IK3", "AK3", "IK4", "AK4", "CTX", "IK5", "AK5"))


def _read_set(answer: SetAnswer, segment: Segment, findings: Findings) -> None:
    name = segment.id
    if name in ("IK5", "AK5"):
        answer.code, answer.reasons = segment.at(1), _codes(segment, 2)
    elif name in ("IK3", "AK3"):
        answer.errors.append(
            SyntaxError999(
                segment=segment.number,
                name=segment.at(1),
                position=count(segment, 2, findings),
                loop=segment.at(3),
                code=segment.at(4),
            )
        )
    elif not answer.errors:
        findings.add(segment.place(), "hierarchy")
    elif name == "CTX":
        named, *value = segment.components(1) or [""]
        if named == "CLM01" and value:
            answer.errors[-1].account = value[0]
    else:
        answer.errors[-1].elements.append((segment.at(1), segment.at(3)))


def _codes(segment: Segment, first: int) -> list[str]:
    return [code for element in range(first, first + 5) if (code := segment.at(element))]
