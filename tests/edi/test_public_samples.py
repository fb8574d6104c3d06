"""Every public sample is read or diagnosed, none raises; an oracle that shares no code with us reads the same money.

Issue 5, "Shown by"; edi.md 6.5; S3-10.
"""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.edi.classify import Kind, classify
from claims.edi.read_277ca import StatusAnswer
from claims.edi.read_837p import SubmittedClaim
from claims.edi.read_999 import GroupAnswer
from claims.edi.remittance import PaidClaim
from tests.edi.oracle_835 import compare, of_kind
from tests.edi.test_no_bytes_raise import PIECES, everything
from tests.edi.written import all_said
from tests.needs import DATA

FOLDER = DATA / "edi"
FILES = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.name != "README.md")
PAYMENTS = [path for path in FILES if classify(path.read_bytes()) == Kind.PAYMENT]
NAMES = [str(path.relative_to(FOLDER)) for path in FILES]
pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_sample_is_read_or_diagnosed(path: Path) -> None:
    """Claims, payments or answers come out, or it is said why not; a repeated reading says the same."""
    data = path.read_bytes()
    said, findings = all_said(data)
    assert classify(data, path.name) not in (Kind.UNKNOWN, Kind.EMPTY, Kind.TEXT)
    assert said or findings.found
    with path.open("rb") as file:
        assert all_said(file) == (said, findings)
    claims = of_kind(SubmittedClaim, said)
    assert all(claim.account and (claim.lines or findings.found) for claim in claims)


def test_the_samples_of_professional_claims_and_answers_are_all_read() -> None:
    """What is left is other transactions: claims of hospitals and dentists, predeterminations, paid claims."""
    read: Counter[type] = Counter()
    for path in FILES:
        read.update(type(each) for each in all_said(path.read_bytes())[0])
    assert read[SubmittedClaim] == count_of(b"CLM", professional=True)
    assert read[PaidClaim] == count_of(b"CLP")
    assert read[GroupAnswer] == count_of(b"AK1")
    assert read[StatusAnswer] > 0


def count_of(name: bytes, *, professional: bool = False) -> int:
    """Segments of this name in the samples, counted without our reader."""
    files = [path.read_bytes() for path in FILES]
    if professional:
        files = [data for data in files if b"X222" in data or b"X098" in data]
    return sum(data.count(b"~" + name + b"*") for data in map(one_line, files))


def one_line(data: bytes) -> bytes:
    text = data.replace(b"\r", b"")
    terminated = text if b"~" in text else text.replace(b"\n", b"~")
    return terminated.replace(b"\n", b"").replace(b"|", b"*")


@pytest.mark.parametrize("path", PAYMENTS, ids=[str(path.relative_to(FOLDER)) for path in PAYMENTS])
def test_an_oracle_reads_the_same_claims_lines_and_totals(path: Path) -> None:
    compare(path.read_bytes())


@pytest.mark.slow
@given(st.sampled_from(FILES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=6))
@settings(max_examples=200)
def test_no_damage_to_a_sample_raises(path: Path, damages: list[tuple[float, int, bytes]]) -> None:
    data = path.read_bytes()
    for where, length, piece in damages:
        start = int(where * len(data))
        data = data[:start] + piece + data[start + length :]
    everything(data)
