"""TA1, 999 and 997: what became of a file and of its sets. edi.md 6.1 and 6.2; S3-10, X-18."""

import pytest

from claims.edi.read_999 import GroupAnswer
from claims.edi.read_ta1 import InterchangeAnswer
from claims.edi.status import State, of_file
from tests.edi.written import SYNTAX_ANSWER, all_said, codes, isa, set_of


def interchange_answer(segment: str) -> tuple[InterchangeAnswer, list[str]]:
    said, findings = all_said((isa() + segment + "~IEA*0*000000905~").encode())
    (answer,) = said
    assert isinstance(answer, InterchangeAnswer)
    return answer, codes(findings)


def group_answer(kind: str, *segments: str) -> tuple[GroupAnswer, list[str]]:
    said, findings = all_said(set_of(kind, *segments))
    (answer,) = said
    assert isinstance(answer, GroupAnswer)
    return answer, codes(findings)


def test_a_ta1_names_our_interchange_and_says_what_became_of_it() -> None:
    answer, found = interchange_answer("TA1*000000905*260105*1200*R*025")
    assert (answer.interchange, answer.accepted, answer.note) == ("000000905", False, "025")
    assert answer.says == "The control number was used before (ISA13)."
    assert found == []


def test_a_ta1_may_be_short_or_leave_its_note_out() -> None:
    """Real ones use other lengths and leave the note empty."""
    assert interchange_answer("TA1*905*20260105*120000*A*")[0] == interchange_answer("TA1*905*260105*1200*A")[0]
    answer, found = interchange_answer("TA1*905*260105*1200*E")
    assert (answer.interchange, answer.accepted, answer.says, found) == ("000000905", True, "", [])


def test_a_ta1_that_says_nothing_is_reported_and_accepts_nothing() -> None:
    answer, found = interchange_answer("TA1*905")
    assert (answer.accepted, found) == (False, ["no-acknowledged"])


def test_a_999_says_set_by_set_what_was_accepted() -> None:
    answer, found = group_answer("999", *SYNTAX_ANSWER)
    assert (answer.kind, answer.group, answer.code) == ("HC", "17456", "P")
    assert (answer.included, answer.received, answer.accepted) == (2, 2, 1)
    assert [(each.number, each.accepted) for each in answer.sets] == [("0001", True), ("0002", False)]
    (error,) = answer.sets[1].errors
    assert (error.name, error.position, error.loop, error.code) == ("CLM", 22, "2300", "8")
    assert (error.elements, error.account) == ([("2", "1")], "A000000000007")
    assert answer.sets[1].reasons == ["5"]
    assert found == []


def test_what_we_sent_is_not_taken_over_from_a_999() -> None:
    """IK404 may be a name or a birth date."""
    assert "BAD DATA" not in repr(group_answer("999", *SYNTAX_ANSWER)[0])


def test_a_partly_accepted_group_leaves_a_set_that_it_does_not_name_undecided() -> None:
    answer, _ = group_answer("999", *SYNTAX_ANSWER)
    assert [answer.accepts(number) for number in ("0001", "2", "0003")] == [True, False, None]


@pytest.mark.parametrize(("code", "accepts"), [("A", True), ("E", True), ("R", False), ("M", False), ("X", False)])
def test_a_group_decides_on_the_sets_that_it_does_not_name(code: str, accepts: bool) -> None:
    answer, _ = group_answer("999", "AK1*HC*17456", f"AK9*{code}*1*1*1")
    assert answer.accepts("0001") is accepts


def test_a_rejected_group_rejects_its_sets_whatever_they_say() -> None:
    answer, _ = group_answer("999", "AK1*HC*1", "AK2*837*0001", "IK5*A", "AK9*R*1*1*0")
    assert answer.accepts("0001") is False


def test_a_997_is_read_in_the_same_way() -> None:
    """Old partners send it: AK3, AK4 and AK5 stand for IK3, IK4 and IK5."""
    segments = [segment.replace("IK", "AK") for segment in SYNTAX_ANSWER if not segment.startswith("CTX")]
    answer, found = group_answer("997", *segments)
    assert [(each.number, each.accepted) for each in answer.sets] == [("0001", True), ("0002", False)]
    assert answer.sets[1].errors[0].elements == [("2", "1")]
    assert found == []


def test_an_answer_without_a_verdict_is_reported() -> None:
    assert group_answer("999", "AK1*HC*1", "AK2*837*0001")[1] == ["no-acknowledged", "no-acknowledged"]
    said, findings = all_said(set_of("999", "AK2*837*0001"))
    assert (said, codes(findings)) == ([], ["hierarchy", "no-acknowledged"])


def test_accepted_syntax_is_received_and_no_more() -> None:
    """X-18: accepted by no one yet."""
    assert [of_file(code) for code in "AERMWXP"] == [
        State.RECEIVED,
        State.RECEIVED,
        *[State.FILE_FAILED] * 4,
        None,
    ]
