"""TA1, 999 and 277CA for a file of claims, as X12. Sources: 005010X231A1, 005010X214."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from backoffice.sandbox.clearinghouse.submission import Claim, ClaimSet, Submission

NAME = "SANDBOX CLEARINGHOUSE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """To whom, when and under which number an answer goes: that of the file, which is ISA13 and GS06 as well."""

    to: Submission
    number: int
    now: datetime

    @property
    def day(self) -> str:
        return f"{self.now:%Y%m%d}"

    def interchange(self, *body: str) -> bytes:
        """ISA to IEA around one group, or a TA1 without one."""
        isa, blank = self.to.isa, " " * 10
        head = "*".join(
            ("ISA", "00", blank, "00", blank, isa[7], isa[8], isa[5], isa[6], f"{self.now:%y%m%d}",
             f"{self.now:%H%M}", "^", "00501", f"{self.number:09d}", "0", isa[15], ":")
        )  # fmt: skip
        groups = sum(segment.startswith("GS*") for segment in body)
        return "".join(f"{segment}~\n" for segment in (head, *body, f"IEA*{groups}*{self.number:09d}")).encode()

    def group(self, kind: str, version: str, *sets: list[str]) -> bytes:
        """A file of these sets, each without ST and SE."""
        mine, theirs = self.to.group[3] or "SANDBOX", self.to.group[2] or "SENDER"
        body = [f"GS*{_GROUPS[kind]}*{mine}*{theirs}*{self.day}*{self.now:%H%M}*{self.number}*X*{version}"]
        for at, segments in enumerate(sets, 1):
            head = f"ST*{kind}*{at:04d}" if kind == "835" else f"ST*{kind}*{at:04d}*{version}"
            body += [head, *segments, f"SE*{len(segments) + 2}*{at:04d}"]
        return self.interchange(*body, f"GE*{len(sets)}*{self.number}")


_GROUPS = {"999": "FA", "277": "HN", "835": "HP"}


def ta1(answering: Answering, note: str) -> bytes:
    """A file is taken ("000") or refused as a whole."""
    isa = answering.to.isa
    return answering.interchange(f"TA1*{isa[13]}*{isa[9]}*{isa[10]}*{'A' if note == '000' else 'R'}*{note}")


def ak999(answering: Answering, rejected: Collection[str]) -> bytes:
    """Which sets can be read; a set with a claim of `rejected` (CLM01) cannot."""
    group, sets = answering.to.group, answering.to.sets
    body, accepted = [f"AK1*{group[1]}*{group[6]}*{group[8]}"], 0
    for each in sets:
        faults = list(_faults(each, rejected))
        reasons = each.faults or (["5"] if faults else [])
        accepted += not reasons
        body += [f"AK2*837*{each.number}*{group[8]}", *faults, "*".join(("IK5", "R" if reasons else "A", *reasons))]
    code = "A" if accepted == len(sets) else "P" if accepted else "R"
    return answering.group("999", "005010X231A1", [*body, f"AK9*{code}*{len(sets)}*{len(sets)}*{accepted}"])


def is_readable(each: ClaimSet, rejected: Collection[str]) -> bool:
    """Whether the 999 takes it."""
    return not each.faults and not any(_faults(each, rejected))


def _faults(each: ClaimSet, rejected: Collection[str]) -> Iterator[str]:
    for claim in each.claims:
        if claim.account in rejected:
            yield f"IK3*CLM*{claim.position}*2300*8"
            yield f"CTX*CLM01:{claim.account}"
            yield "IK4*2*782*I12"


def ca277(answering: Answering, source: str, sets: Iterable[ClaimSet], rejected: Collection[str]) -> bytes:
    """What becomes of each claim at `source`: NM1's elements from 01, "AY…" or "PR…". Those of `rejected` are A7."""
    return answering.group("277", "005010X214", *(list(_batch(answering, source, each, rejected)) for each in sets))


def _batch(answering: Answering, source: str, each: ClaimSet, rejected: Collection[str]) -> Iterator[str]:
    yield f"BHT*0085*08*{answering.number}{each.number}*{answering.day}*{answering.now:%H%M}*TH"
    yield from ("HL*1**20*1", f"NM1*{source}", f"TRN*1*{answering.number}{each.number}")
    yield from (f"DTP*050*D8*{answering.day}", f"DTP*009*D8*{answering.day}")
    yield from ("HL*2*1*21*1", "*".join(("NM1", *each.submitter)).rstrip("*"), f"TRN*2*{each.batch}")
    yield _received(answering.day, each.claims)
    yield from _totals(each.claims, rejected, "90", "AA")
    provider = levels = 2
    for _, claims in groupby(each.claims, key=lambda claim: id(claim.provider)):
        theirs = list(claims)
        provider = levels = levels + 1
        yield from (f"HL*{provider}*2*19*1", _named("85", theirs[0]), "TRN*1*0", _received("", theirs))
        yield from _totals(theirs, rejected, "QA", "QC")
        for claim in theirs:
            levels += 1
            yield f"HL*{levels}*{provider}*PT"
            yield from _claim(answering, claim, f"{answering.number}{each.number}", claim.account in rejected)


def _received(day: str, claims: list[Claim]) -> str:
    """A provider's has no day."""
    return f"STC*A1:19:PR*{day}*WQ*{money(sum(claim.charge for claim in claims))}"


def _totals(claims: list[Claim], rejected: Collection[str], accepted_as: str, rejected_as: str) -> Iterator[str]:
    taken = [claim.charge for claim in claims if claim.account not in rejected]
    refused = [claim.charge for claim in claims if claim.account in rejected]
    those = ((accepted_as, "YU", taken), (rejected_as, "YY", refused))
    yield from (f"QTY*{number}*{len(charges)}" for number, _, charges in those if charges)
    yield from (f"AMT*{amount}*{money(sum(charges))}" for _, amount, charges in those if charges)


def _named(role: str, claim: Claim) -> str:
    """NM1*85; without NPI the tax id names the provider."""
    name = claim.provider.name
    ids = name[7:9] if name[8] else ["FI", claim.provider.tax_id]
    return "*".join(("NM1", role, *name[1:7], *ids))


def _claim(answering: Answering, claim: Claim, batch: str, rejected: bool) -> Iterator[str]:
    patient = [*claim.patient[:7], "MI", claim.member]
    yield "*".join(("NM1", "QC", *patient[1:]))
    yield f"TRN*2*{claim.account}"
    said = "A7:562:85*{day}*U" if rejected else "A2:20:PR*{day}*WQ"
    yield f"STC*{said.format(day=answering.day)}*{money(claim.charge)}"
    if not rejected:
        yield f"REF*1K*{payer_number(answering.to, claim)}"
    yield f"REF*D9*{batch}{claim.position:06d}"
    days = sorted({day for line in claim.lines for day in line.days})
    if days:
        yield f"DTP*472*{f'RD8*{days[0]}-{days[-1]}' if len(days) > 1 else f'D8*{days[0]}'}"


def payer_number(submission: Submission, claim: Claim) -> str:
    """The payer's own number of the claim, the same in 277CA and 835."""
    return f"SB{submission.isa[13]}{claim.account}"


def money(amount: Decimal | int) -> str:
    """Without superfluous zeros: 137.5, 240."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text
