"""The rules beyond the guide, each with claims that it lets pass and claims that it refuses."""

from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from claims.edi.claims import Claim, Kind
from claims.edi.rules import CLAIM_RULES, LINE_RULES, checked, problems
from claims.edi.standing import PayerStanding, Standing, service_key
from tests.edi.made import PAYERS, STANDING, TODAY, batches
from tests.edi.plain import LINE, PLAIN, Change, child, claim, line, lines
from tests.edi.rule_cases import CASES

JUDGED = Standing(
    today=TODAY, payers={**PAYERS, "NOTYET": PayerStanding(filing_days=90, enrolled=False)}, open_controls={"OPEN1"},
    sent={key for key in [service_key(PLAIN, replace(LINE, begins=date(2026, 1, 7)))] if key}, edits=True,
)  # fmt: skip
ACCEPTED = [
    pytest.param(code, change, id=f"{code}-{at}") for code, (good, _) in CASES.items() for at, change in enumerate(good)
]
REFUSED = [
    pytest.param(code, change, id=f"{code}-{at}") for code, (_, bad) in CASES.items() for at, change in enumerate(bad)
]


def codes(claim: Claim) -> set[str]:
    return {problem.code for problem in problems(claim, JUDGED)}


@pytest.mark.parametrize(("code", "change"), ACCEPTED)
def test_a_claim_that_keeps_a_rule_is_let_pass(code: str, change: Change) -> None:
    """S3-13: validated before it is sent."""
    assert problems(change(PLAIN), JUDGED) == []


@pytest.mark.parametrize(("code", "change"), REFUSED)
def test_a_claim_that_breaks_a_rule_is_refused_by_that_rule(code: str, change: Change) -> None:
    """S3-13: validated before it is sent."""
    assert code in codes(change(PLAIN))


@pytest.mark.parametrize(("code", "change"), REFUSED)
def test_a_refusal_says_what_to_do_and_shows_nothing_of_the_patient(code: str, change: Change) -> None:
    wrong = change(PLAIN)
    for problem in problems(wrong, JUDGED):
        assert problem.says.endswith(".")
        assert ": " in problem.says
        assert [text for text in told(asdict(wrong)) if text in problem.says] == []


def told(value: Any) -> list[str]:
    """The texts within a claim that would give somebody away."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in told(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in told(part)]
    text = str(value)
    return [text] if len(text) > 4 and text not in {"False", "Aetna"} else []


def test_every_rule_has_claims_for_and_against_it() -> None:
    """Issue 5: every rule of 5.6 with a positive and a negative test."""
    assert set(CASES) == {*CLAIM_RULES, *LINE_RULES}
    assert all(good and bad for good, bad in CASES.values())


def test_a_problem_of_a_line_names_the_line() -> None:
    (problem,) = problems(lines({}, {"procedure": "?"})(PLAIN), JUDGED)
    assert problem == (
        "procedure",
        "Line 2: the procedure (SV101-2) has not the form of a CPT or HCPCS code: correct it.",
    )


def test_an_icd_9_code_and_a_point_are_told_apart_from_nonsense() -> None:
    says = {
        code: [p.says for p in problems(claim(diagnoses=(code,))(PLAIN), JUDGED)] for code in ("25000", "E11.9", "ABC")
    }
    assert "ICD-9" in says["25000"][0]
    assert "point" in says["E11.9"][0]
    assert "form" in says["ABC"][0]
    assert [len(several) for several in says.values()] == [1, 1, 1]


def test_a_control_number_or_a_service_that_the_batch_has_already_is_refused_the_second_time() -> None:
    """X-18: nothing is sent twice."""
    again = replace(PLAIN, control="NW2")
    same_number = line(procedure="99214")(PLAIN)
    found = [[problem.code for problem in why] for _, why in checked([PLAIN, again, same_number], STANDING)]
    assert found == [[], ["duplicate_service"], ["control"]]


def test_a_dependants_service_is_not_the_members_and_a_replacement_may_repeat_one() -> None:
    siblings = [child()(replace(PLAIN, control="NW2")), replace(PLAIN, control="NW3", frequency="7", original="ICN1")]
    assert [why for _, why in checked([PLAIN, *siblings], STANDING)] == [[], [], []]


def test_what_a_refused_claim_would_have_taken_is_still_free_for_a_corrected_one() -> None:
    wrong = replace(PLAIN, place="00")
    assert [bool(why) for _, why in checked([wrong, PLAIN], STANDING)] == [True, False]


def test_sex_and_age_are_looked_at_only_where_that_is_wanted() -> None:
    pregnant = claim(diagnoses=("O0900",))(replace(PLAIN, subscriber=replace(PLAIN.subscriber, sex="M")))
    assert problems(pregnant, replace(JUDGED, edits=False)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", Kind)
def test_whatever_the_generator_makes_keeps_every_rule(kind: Kind) -> None:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(batch=batches(kind))
    def keeps(batch: list[Claim]) -> None:
        assert [why for _, why in checked(batch, STANDING) if why] == []

    keeps()
