"""Files as they come: any delimiters, line breaks, encodings and damage. edi.md, "Readers must"; S3-10."""

import io
from decimal import Decimal

import pytest

from claims.edi.envelope import Transaction, transactions
from claims.edi.findings import SENTENCES, Findings
from claims.edi.remittance import PaidClaim, Payment, PaymentEnd
from claims.edi.x12 import Source, segments
from tests.edi.written import ALL_KINDS, CLAIM_835, HEAD_835, PAYMENT, all_said, codes, file_of, isa, set_of, st


def sets_of(source: Source) -> tuple[list[Transaction], Findings]:
    findings = Findings()
    found = []
    for transaction in transactions(source, findings):
        assert list(transaction.body)
        found.append(transaction)
    return found, findings


def changed(old: str, new: str) -> bytes:
    text = PAYMENT.decode()
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize("marks", ["*:^~", "|>^~", "*:^\n", "+:^'", "\x1d\x1f\x1e\x1c", "|:~!"])
@pytest.mark.parametrize("line_break", ["", "\n", "\r\n", "\r\n\r\n"])
def test_the_delimiters_are_those_of_the_header_whatever_line_breaks_follow(marks: str, line_break: str) -> None:
    said, findings = all_said(file_of("835", st("835", *HEAD_835, *CLAIM_835), marks=marks, line_break=line_break))
    assert codes(findings) == []
    assert said == all_said(PAYMENT)[0]


def test_a_byte_order_mark_and_blanks_in_front_are_passed_over() -> None:
    assert all_said(b"\xef\xbb\xbf" + PAYMENT) == all_said(PAYMENT) == all_said(b"\r\n  " + PAYMENT)


def test_text_is_utf_8_or_else_windows_1252() -> None:
    said, findings = all_said(changed("INSURANCE OF SOMEWHERE", "ASSURANCE ÉTÉ").replace("É".encode(), b"\xc9"))
    assert isinstance(said[0], Payment)
    assert said[0].payer == "ASSURANCE ÉTÉ"
    assert codes(findings) == ["cp1252"]
    said, findings = all_said(changed("INSURANCE OF SOMEWHERE", "ASSURANCE ÉTÉ"))
    assert isinstance(said[0], Payment)
    assert (said[0].payer, codes(findings)) == ("ASSURANCE ÉTÉ", [])


def test_lines_that_were_wrapped_at_80_characters_are_joined() -> None:
    text = PAYMENT.decode().replace("\n", "")
    wrapped = "\r\n".join(text[at : at + 80] for at in range(0, len(text), 80))
    said, findings = all_said(wrapped.encode())
    assert said == all_said(PAYMENT)[0]
    assert codes(findings) == []


def test_a_file_may_hold_several_interchanges_groups_and_sets_each_with_its_delimiters() -> None:
    first = file_of("835", st("835", *HEAD_835), st("835", *HEAD_835, number=2), number=1)
    second = file_of("277", st("277", "BHT*0085"), number=2, marks="|>^'")
    third = file_of("999", st("999", "AK1*HC*1"), number=3, line_break="").removesuffix(b"~")
    found, findings = sets_of(first + second + third + file_of("835", st("835", *HEAD_835), number=4))
    assert [(each.kind, each.interchange, each.number) for each in found] == [
        ("835", "000000001", "0001"),
        ("835", "000000001", "0002"),
        ("277", "000000002", "0001"),
        ("999", "000000003", "0001"),
        ("835", "000000004", "0001"),
    ]
    assert all(each.whole for each in found)
    assert found[2].key == ("330897513", "000000002", "2", "0001")
    assert codes(findings) == []


@pytest.mark.parametrize(
    "data",
    [
        b"TA1*000000905*260105*1200*A*000~",
        b"TA1|000000905|260105|1200|A|\r\n",
        ALL_KINDS["TA1"],
        (isa() + "TA1*000000905*260105*1200*A*000~").encode() + PAYMENT.partition(b"\n")[2],
    ],
)
def test_a_ta1_may_stand_alone_or_after_the_header(data: bytes) -> None:
    assert sets_of(data)[0][0].kind == "TA1"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("SE*22*", "SE*21*", "se-count"),
        ("SE*22*0001", "SE*22*0002", "se-number"),
        ("SE*22*0001~\n", "", "no-se"),
        ("GE*1*", "GE*2*", "ge-count"),
        ("GE*1*905", "GE*1*906", "ge-number"),
        ("GE*1*905~\n", "", "no-ge"),
        ("IEA*1*", "IEA*x*", "iea-count"),
        ("IEA*1*000000905", "IEA*1*000000906", "iea-number"),
        ("IEA*1*000000905~\n", "", "no-iea"),
        ("GS*HP*OA*NIGHTWARD*20260105*1200*905*X*005010X221A1~\n", "", "no-gs"),
        ("IEA*1*000000905~\n", "IEA*1*000000905~\nREF*G1*1~", "stray"),
    ],
)
def test_wrong_counts_and_missing_trailers_are_reported_and_read_on(old: str, new: str, code: str) -> None:
    said, findings = all_said(changed(old, new))
    assert code in codes(findings)
    claim = next(each for each in said if isinstance(each, PaidClaim))
    end = said[-1]
    assert isinstance(end, PaymentEnd)
    assert (claim.account, end.paid) == ("A000000000001", Decimal(130))
    assert end.postable is not code.startswith(("se", "no-se"))


def test_a_short_header_is_survived() -> None:
    short = f"ISA*00**00**ZZ*330897513*ZZ*NIGHTWARD*260105*1200*^*00501*000000905*0*P*:~{PAYMENT.decode()[106:]}"
    shorter = f"ISA*00*ZZ*330897513*000000905*>~{PAYMENT.decode()[106:].replace(':', '>')}"
    for text in (short, shorter):
        said, findings = all_said(text.encode())
        assert said == all_said(PAYMENT)[0]
        assert set(codes(findings)) <= {"isa-length", "iea-number"}
    assert all_said(b"ISA*00*")[1].counts["delimiters"] == 1


def test_a_file_without_header_is_read_with_the_usual_delimiters() -> None:
    said, findings = all_said(PAYMENT[107:])
    assert [type(each) for each in said] == [Payment, PaidClaim, PaymentEnd]
    assert codes(findings) == ["no-isa", "stray"]


def test_what_is_no_x12_is_said_to_be_none() -> None:
    for data, code in (
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"Dear all,\nISABEL is ill.", "no-x12"),
        (b"PK\3\4", "no-x12"),
    ):
        found, findings = sets_of(data)
        assert found == []
        assert code in codes(findings)


def test_text_before_and_between_interchanges_is_passed_over_and_reported() -> None:
    found, findings = sets_of(b"Report of 5 January\n" + PAYMENT)
    assert (len(found), codes(findings)) == (1, ["junk"])


def test_a_file_that_was_cut_off_says_so() -> None:
    for length in range(200, len(PAYMENT) - 2, 37):
        findings = all_said(PAYMENT[:length])[1]
        assert findings.counts["no-iea"] or findings.counts["unterminated"], length


class Trickle(io.BytesIO):
    """A file that gives little at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(7)


def test_an_open_file_reads_as_its_bytes_do_however_little_comes_at_a_time() -> None:
    data = PAYMENT + file_of("277", st("277", "BHT*0085"), number=2, marks="|>^'") + PAYMENT
    assert list(segments(Trickle(data), Findings())) == list(segments(data, Findings()))


def test_findings_never_hold_what_is_in_the_file() -> None:
    """X-18 and the rule of no patient data: a place by numbers and known names, and a sentence from the table."""
    data = changed("SVC*HC:99213:25*150*", "SVC*HC:99213:25*LEE*").replace(b"AMT*B6*150", b"LEE*DOE*JANE").decode()
    findings = all_said(data.replace("DTM*472*20260102", "DTM*472*DOE").encode())[1]
    text = " ".join(f"{each.place} {each.says}" for each in findings.found)
    assert "segment 13, SVC02" in text
    assert not {"LEE", "DOE", "JANE"} & set(text.replace(",", " ").split())


def test_a_file_full_of_faults_keeps_the_first_and_counts_the_rest() -> None:
    findings = all_said(set_of("835", *HEAD_835, *["CAS*CO*45*x"] * 1_000))[1]
    assert len(findings.found) == 200
    assert findings.more == 800
    assert findings.counts["hierarchy"] == 1_000


def test_every_sentence_ends_and_says_nothing_twice() -> None:
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
    assert len(set(SENTENCES.values())) == len(SENTENCES)
