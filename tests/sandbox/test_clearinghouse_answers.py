"""What the sandbox clearinghouse answers is read without a diagnostic, by us and by oracles. edi.md 3, 6."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings

from backoffice.sandbox.clearinghouse.answers import Answering, ak999, ca277, ta1
from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.clearinghouse.faults import clearinghouse_faults
from backoffice.sandbox.clearinghouse.payment import era
from backoffice.sandbox.clearinghouse.submission import Submission, read
from claims.edi.answers import Said
from claims.edi.claims import Claim, Kind
from claims.edi.outbound import file_name
from claims.edi.read_277ca import StatusAnswer
from claims.edi.read_999 import GroupAnswer
from claims.edi.read_ta1 import InterchangeAnswer
from claims.edi.remittance import PaidClaim, PaymentEnd
from claims.edi.write837 import parts
from tests.edi.made import batches, claims, envelope
from tests.edi.oracle import faults
from tests.edi.oracle_835 import compare
from tests.edi.written import all_said

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
CLAIMS = claims(Kind.MED, 20)
ENVELOPE = envelope(Kind.MED, 7, claims_per_set=7)
SENT = b"".join(part.content for part in parts(ENVELOPE, CLAIMS))
SOURCE = "AY*2*SANDBOX CLEARINGHOUSE*****46*330897513"


def submission(content: bytes) -> Submission:
    found = read(content)
    assert found is not None
    return found


def said(content: bytes) -> list[Said]:
    """All of a file, which gives no cause for complaint."""
    answers, findings = all_said(content)
    assert findings.found == []
    return answers


def answering(sent: Submission) -> Answering:
    return Answering(to=sent, number=100_000_001, now=NOW)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, user="clinic", faults=clearinghouse_faults(), pay=True, now=lambda: NOW)


def handed_in(desk: Desk, content: bytes = SENT, name: str = "") -> list[bytes]:
    """What is answered to a file that lies in inbound/."""
    before = len(desk.delivered)
    (desk.inbound / (name or file_name(ENVELOPE))).write_bytes(content)
    desk.sweep()
    desk.sweep()
    return [(desk.outbound / name).read_bytes() for name in desk.delivered[before:]]


@pytest.mark.parametrize("kind", list(Kind))
def test_it_understands_every_claim_that_the_product_writes(kind: Kind) -> None:
    made = claims(kind, 60, seed=5)
    sent = submission(b"".join(part.content for part in parts(envelope(kind, claims_per_set=25), made)))
    assert (sent.note, [each.faults for each in sent.sets]) == ("000", [[], [], []])
    found = {claim.account: claim for each in sent.sets for claim in each.claims}
    assert {claim.control: claim.charge for claim in made} == {name: claim.charge for name, claim in found.items()}
    for claim in made:
        theirs = found[claim.control]
        assert theirs.payer[8] == claim.payer.payer_id
        assert theirs.member == claim.subscriber.member_id
        assert [line.reference for line in theirs.lines] == [line.control for line in claim.lines]
        assert [line.charge for line in theirs.lines] == [line.charge for line in claim.lines]


@pytest.mark.slow
@given(batches(Kind.MED))
@settings(max_examples=2)
def test_any_batch_is_answered_without_a_diagnostic_and_to_the_oracles_taste(made: list[Claim]) -> None:
    judge(made)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind))
def test_many_batches_are_answered_to_the_oracles_taste(kind: Kind) -> None:
    @given(batches(kind))
    @settings(max_examples=25)
    def judged(made: list[Claim]) -> None:
        judge(made)

    judged()


def judge(made: list[Claim]) -> None:
    """Every answer to these claims, with and without a rejection."""
    sent = submission(b"".join(part.content for part in parts(envelope(made[0].kind), made)))
    rejected = {made[0].control}
    everything = [claim for each in sent.sets for claim in each.claims]
    for content in (ak999(answering(sent), ()), ak999(answering(sent), rejected)):
        assert (len(said(content)), faults(content)) == (1, [])
    for content in (ca277(answering(sent), SOURCE, sent.sets, ()), ca277(answering(sent), SOURCE, sent.sets, rejected)):
        assert len(said(content)) >= len(made)
        assert faults(content) == []
    for content in (era(answering(sent), everything, ()), era(answering(sent), everything, rejected)):
        assert all(end.postable for end in said(content) if isinstance(end, PaymentEnd))
        compare(content)
        assert faults(content) == []


def test_a_file_is_taken_away_and_answered_under_the_names_that_are_reported(desk: Desk) -> None:
    handed_in(desk)
    assert list(desk.inbound.iterdir()) == []
    name = file_name(ENVELOPE)
    assert desk.taken == [name]
    assert desk.delivered[0] == f"100000001_{name}_999.999"
    assert desk.delivered[1] == "clinic_100000001_HCFA_277ca_20260302.txt"
    assert all(each.endswith("_HCFA_277ca_20260302.txt") for each in desk.delivered[2:-1])
    assert desk.delivered[-1].endswith("_ERA_835_5010_20260302.835")


def test_the_clearinghouse_answers_each_claim_and_then_its_payer_does(desk: Desk) -> None:
    _, first, *from_payers, _ = handed_in(desk)
    for source, files in (("AY", [first]), ("PR", from_payers)):
        answers = [each for file in files for each in said(file) if isinstance(each, StatusAnswer)]
        of_claims = [each for each in answers if each.level == "claim"]
        assert {each.account for each in of_claims} == {claim.control for claim in CLAIMS}
        assert {each.source for each in of_claims} == {source}
        assert not any(each.is_rejection for each in answers)
        assert {each.batch for each in of_claims} == {"T0000000070001", "T0000000070002", "T0000000070003"}


def test_the_payment_pays_each_line_by_its_number_and_balances(desk: Desk) -> None:
    paid = [each for each in said(handed_in(desk)[-1]) if isinstance(each, PaidClaim)]
    assert {each.account for each in paid} == {claim.control for claim in CLAIMS}
    for claim in CLAIMS:
        (found,) = (each for each in paid if each.account == claim.control)
        assert {line.reference for line in found.lines} == {line.control for line in claim.lines}
        assert found.differences == found.warnings == []
        assert found.charge == claim.charge


def test_without_pay_there_is_no_payment(desk: Desk) -> None:
    desk.pay = False
    assert not any(isinstance(each, PaymentEnd) for file in handed_in(desk) for each in said(file))


def test_a_ta1_comes_where_it_is_asked_for(desk: Desk) -> None:
    asked = SENT.replace(b"*0*T*:~", b"*1*T*:~")
    (answer,) = said(handed_in(desk, asked)[0])
    assert isinstance(answer, InterchangeAnswer)
    assert (answer.interchange, answer.code, answer.note) == ("000000007", "A", "000")


@pytest.mark.parametrize("restarted", [False, True])
def test_the_same_control_number_again_is_refused_and_nothing_more_is_said(desk: Desk, restarted: bool) -> None:
    handed_in(desk)
    if restarted:
        folder = desk.home.parent
        desk = Desk(folder, user="clinic", faults=clearinghouse_faults(), pay=True, now=lambda: NOW)
    (only,) = handed_in(desk, name="again.txt")
    (answer,) = said(only)
    assert isinstance(answer, InterchangeAnswer)
    assert (answer.interchange, answer.code, answer.note) == ("000000007", "R", "025")


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda content: content[: len(content) // 2], "023"),
        (lambda content: content.replace(b"IEA*1*000000007", b"IEA*1*000000008"), "001"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_as_one(desk: Desk, spoil: Callable[[bytes], bytes], note: str) -> None:
    (only,) = handed_in(desk, spoil(SENT))
    (answer,) = said(only)
    assert isinstance(answer, InterchangeAnswer)
    assert (answer.code, answer.note) == ("R", note)
    assert len(handed_in(desk, name="whole.txt")) > 1  # the number of a refused file is free


@pytest.mark.parametrize("content", [b"no X12", b"ISA*00*", b"\0" * 300])
def test_what_is_no_claim_file_is_taken_without_an_answer(desk: Desk, content: bytes) -> None:
    assert handed_in(desk, content) == []
    assert len(desk.taken) == 1


def test_a_set_that_the_999_rejects_goes_no_further(desk: Desk) -> None:
    desk.rejects["999"].add(CLAIMS[0].control)
    syntax, first, *_, payment = handed_in(desk)
    (group,) = (each for each in said(syntax) if isinstance(each, GroupAnswer))
    assert (group.code, group.accepts("0001"), group.accepts("0002")) == ("P", False, True)
    assert group.sets[0].errors[0].account == CLAIMS[0].control
    answered = {each.account for each in said(first) if isinstance(each, StatusAnswer) and each.account}
    assert answered == {claim.control for claim in CLAIMS[7:]}
    assert {each.account for each in said(payment) if isinstance(each, PaidClaim)} == answered


def test_a_damaged_set_is_rejected_by_its_number(desk: Desk) -> None:
    syntax, *_ = handed_in(desk, SENT.replace(b"BHT*0019*00*T0000000070002", b"BHT*0019*00*T0000000070002~REF*1*2", 1))
    (group,) = (each for each in said(syntax) if isinstance(each, GroupAnswer))
    assert [(each.number, each.code, each.reasons) for each in group.sets][1] == ("0002", "R", ["4"])


@pytest.mark.parametrize(("stage", "level"), [("277ca", "AY"), ("payer", "PR")])
def test_a_claim_can_be_rejected_here_or_at_its_payer(desk: Desk, stage: str, level: str) -> None:
    account = CLAIMS[3].control
    desk.rejects[stage].add(account)
    files = handed_in(desk)
    answers = [each for file in files for each in said(file) if isinstance(each, StatusAnswer)]
    rejected = [each for each in answers if each.is_rejection]
    assert [(each.account, each.source, each.statuses[0].category) for each in rejected] == [(account, level, "A7")]
    assert account not in {each.account for each in said(files[-1]) if isinstance(each, PaidClaim)}


def test_a_claim_can_be_denied_in_the_payment(desk: Desk) -> None:
    account = CLAIMS[3].control
    desk.rejects["835"].add(account)
    (denied,) = (each for each in said(handed_in(desk)[-1]) if isinstance(each, PaidClaim) and each.account == account)
    assert (denied.paid, denied.share) == (Decimal(0), Decimal(0))
    assert {(each.group, each.reason) for line in denied.lines for each in line.adjustments} <= {("CO", "16")}


def test_answers_can_be_held_back_and_released(desk: Desk) -> None:
    desk.faults.next("hold")
    assert handed_in(desk) == []
    held = desk.held
    desk.release()
    assert (len(desk.delivered), desk.held) == (held, 0)


def test_answers_can_come_twice_and_out_of_order(desk: Desk) -> None:
    desk.faults.next("out_of_order")
    desk.faults.next("twice")
    files = handed_in(desk)
    half = len(files) // 2
    assert files[:half] == files[half:]
    assert isinstance(said(files[0])[0], type(said(files[half])[0]))
    assert isinstance(said(files[half - 1])[0], GroupAnswer)
    assert len(set(desk.delivered)) == len(files)


def test_a_file_that_is_being_written_is_left_alone(desk: Desk) -> None:
    path = desk.inbound / "a.txt"
    path.write_bytes(SENT)
    desk.opened(path)
    (desk.inbound / "b.txt.part").write_bytes(SENT)
    desk.sweep()
    desk.sweep()
    assert desk.taken == []
    desk.closed(path)
    desk.sweep()
    desk.sweep()
    assert desk.taken == ["a.txt"]


def test_the_ta1_of_both_kinds_is_read() -> None:
    for note, code in (("000", "A"), ("025", "R")):
        (answer,) = said(ta1(answering(submission(SENT)), note))
        assert isinstance(answer, InterchangeAnswer)
        assert (answer.code, answer.note) == (code, note)
