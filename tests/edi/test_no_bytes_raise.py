"""No bytes make a reader raise: garbage, and real files with something changed. edi.md, "Readers must"; S3-10."""

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from claims.edi.adjudication import adjudicated
from claims.edi.answers import read
from claims.edi.classify import Kind, classify
from claims.edi.findings import Findings
from claims.edi.read_277ca import Sent, StatusAnswer, pushed_down
from claims.edi.remittance import PaidClaim
from claims.edi.reports import read_file_summary, read_status_report, unzipped
from tests.edi.written import ALL_KINDS

FILES = st.sampled_from(sorted(ALL_KINDS.values()))
PIECES = st.sampled_from(
    [
        b"*",
        b":",
        b"~",
        b"^",
        b"\n",
        b"\0",
        b"\xff",
        b"\xc3",
        b"ISA*00*",
        b"SE*1*1~",
        b"ST*835*1~",
        b"-",
        b"1E5",
        b"NaN",
        b"9" * 40,
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file of some kind with pieces cut out, doubled or put in, perhaps followed by another."""
    data = draw(FILES) + draw(st.sampled_from([b"", *sorted(ALL_KINDS.values())]))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 30))
        data = data[:start] + draw(st.one_of(PIECES, st.binary(max_size=8))) + data[start + length :]
    return data


def everything(data: bytes) -> None:
    findings = Findings()
    assert classify(data, "x_EDI_STATUS_1.txt") in Kind
    for _, said in read(data, findings):
        answers = []
        for each in said:
            assert repr(each)
            if isinstance(each, PaidClaim):
                assert adjudicated(each).state
            if isinstance(each, StatusAnswer):
                answers.append(each)
        list(pushed_down(answers, [Sent(account="A1", batch="BATCH1", provider="1245319599")]))
    read_file_summary(data, findings)
    read_status_report(data, ["A1"], findings)
    assert all(each.says for each in findings.found)


@given(st.binary(max_size=300))
@example(b"ISA")
@example(b"ISA*" * 40)
@example(b"ISA" + b"*" * 200)
@example(b"TA1*1")
@example(b"PK\x03\x04" + b"\0" * 40)
def test_no_bytes_raise(data: bytes) -> None:
    everything(data)
    list(unzipped(data, Findings()))


@given(damaged())
@settings(max_examples=300)
def test_no_damage_to_a_file_raises(data: bytes) -> None:
    everything(data)


@given(FILES, st.text("ISAGTE*:~ \n09", max_size=60), st.integers(0, 200))
def test_no_header_raises(data: bytes, text: str, at: int) -> None:
    everything(data[:at] + text.encode() + data[at:])


class Blocks(io.BytesIO):
    """A file that gives what it has in blocks of this size."""

    size = 1

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.size)


@given(damaged(), st.integers(1, 400))
def test_the_size_of_the_blocks_does_not_raise_either(data: bytes, size: int) -> None:
    file = Blocks(data)
    file.size = size
    for _, said in read(file, Findings()):
        list(said)
