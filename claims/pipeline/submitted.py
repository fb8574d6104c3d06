"""A claim as it was submitted (837P): why it cannot be staged, how it is staged, and what of it its 835 needs later.

What is wrong with a line is for the validation to say (R01-R07), as of lines from a folder. Refused here is what the
pipeline cannot adjudicate at all, and what no 835 could be written for.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from zlib import crc32

from backoffice.runs.job import Json
from claims.edi.clean import is_echo
from claims.edi.read_837p import SubmittedClaim, SubmittedLine
from claims.edi.segments import decimal

PREFIX = "X12-"  # of the claim ids that are given here
ORIGINAL, PRIMARY = "1", "P"


def claim_id(number: int) -> str:
    """Ours, which the sender gets back as the payer's claim number. They grow: of two equal claims the one that came
    first is paid (R07)."""
    return f"{PREFIX}{number:010d}"


def provider_of(claim: SubmittedClaim) -> str:
    """Who bills is who is paid, and whose contract prices it: by NPI, an atypical provider by tax id."""
    return claim.parties.billing or claim.parties.tax_id


def refusal(claim: SubmittedClaim, payers: set[str]) -> str:
    """Why the claim cannot be staged, without a word of what is in it; empty where nothing speaks against it."""
    faults = {
        "has a control number (CLM01) that cannot be given back": not is_echo(claim.account, 38),
        "has a member id that cannot be given back": not _is_echo_or_empty(claim.parties.member, 40),
        "names no billing provider, or by a number of more than 20 characters": not is_echo(provider_of(claim), 20),
        "is for a payer that is not among the region's (remittance_payers.csv)": claim.parties.payer not in payers,
        "is no original (CLM05-3): replacements and voids are not adjudicated here": claim.frequency != ORIGINAL,
        "has a payer before this one (SBR01): that is not adjudicated here": claim.parties.payer_rank != PRIMARY,
        "has a place of service that is no code (CLM05-1)": not _is_echo_or_empty(claim.place, 2),
        "has no service line": not claim.lines,
        "charges another sum (CLM02) than its lines (SV102)": claim.charge != _charged(claim),
        "has a line control number (REF 6R) twice": not _are_different(claim.lines),
        "has a line whose procedure or control number cannot be given back": not all(map(_is_line_echo, claim.lines)),
    }
    return next((says for says, is_so in faults.items() if is_so), "")


def _charged(claim: SubmittedClaim) -> Decimal:
    return sum((line.charge for line in claim.lines), Decimal(0))


def _is_echo_or_empty(text: str, most: int) -> bool:
    return not text or is_echo(text, most)


def _are_different(lines: list[SubmittedLine]) -> bool:
    references = [line.reference for line in lines if line.reference]
    return len(references) == len(set(references))


def _is_line_echo(line: SubmittedLine) -> bool:
    texts = (line.procedure, line.reference, *line.modifiers)
    return all(_is_echo_or_empty(text, 40) for text in texts)


def staged_lines(identity: str, claim: SubmittedClaim, received: date) -> Iterator[tuple[Any, ...]]:
    """Its lines as the staging table has them, numbered from 1."""
    member = claim.parties.member
    for number, line in enumerate(claim.lines, 1):
        yield (
            identity, number, member, provider_of(claim), _said(line.first_day), received.isoformat(), line.procedure,
            _units(line), format(line.charge, "f"), crc32(member.encode()),
        )  # fmt: skip


def document_of(claim: SubmittedClaim) -> Json:
    """ReceivedClaim.document. A line without a control number gets its own number back, as the guide has it."""
    parties = claim.parties
    return {
        "patient": list(parties.patient),
        "insured": list(parties.insured) if parties.patient_is_dependant else None,
        "member_id": parties.member,
        "lines": [
            [
                line.reference or str(number), line.procedure, line.modifiers, _units(line), _said(line.first_day),
                _said(line.last_day),
            ]
            for number, line in enumerate(claim.lines, 1)
        ],
    }  # fmt: skip


def _said(day: date | None) -> str:
    return day.isoformat() if day else ""


def _units(line: SubmittedLine) -> str:
    return "" if line.units is None else decimal(line.units)
