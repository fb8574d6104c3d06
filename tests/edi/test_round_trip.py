"""What is written as 837P is what is read from it: claims, lines, days and money."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.edi.answers import read
from claims.edi.claims import Claim, Kind, Line
from claims.edi.findings import Findings
from claims.edi.read_837p import SubmittedClaim, SubmittedLine
from claims.edi.write837 import parts
from tests.edi import made


def said(claim: Claim, line: Line) -> tuple[Any, ...]:
    return (
        claim.control, claim.charge, claim.frequency, claim.payer.payer_id, tuple(claim.diagnoses), line.control,
        line.procedure, line.modifiers, line.charge, line.quantity, line.pointers, line.begins,
        line.ends or line.begins,
    )  # fmt: skip


def heard(claim: SubmittedClaim, line: SubmittedLine) -> tuple[Any, ...]:
    pointers = tuple(int(pointer) for pointer in line.pointers)
    return (
        claim.account, claim.charge, claim.frequency, claim.parties.payer, tuple(claim.diagnoses), line.reference,
        line.procedure, tuple(line.modifiers), line.charge, line.units, pointers, line.first_day,
        line.last_day or line.first_day,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", Kind)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 30))
def test_claims_that_are_written_are_read_again(kind: Kind, seed: int, number: int) -> None:
    """S3-13: nothing lost and nothing else said, to the cent."""
    sent, findings = made.claims(kind, number, seed=seed), Findings()
    content = b"".join(part.content for part in parts(made.envelope(kind), sent))
    found = [claim for _, claims in read(content, findings) for claim in claims if isinstance(claim, SubmittedClaim)]
    assert findings.found == []
    assert sorted(heard(claim, line) for claim in found for line in claim.lines) == sorted(
        said(claim, line) for claim in sent for line in claim.lines
    )
    assert sum((claim.charge for claim in found), Decimal(0)) == sum((claim.charge for claim in sent), Decimal(0))
