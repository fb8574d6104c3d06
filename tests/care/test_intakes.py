"""Questionnaires over the API and their answers: each once, and a correction supersedes (contract S3-09)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from clinic.care.intakes.answers import NotReadable, answers_of
from clinic.care.intakes.dumping import dump, on_received
from clinic.care.models import Intake, IntakeQuestionnaireDatum
from clinic.events.consumers import calls_of
from clinic.events.models import Outbox
from clinic.events.outbox import event_of
from clinic.patients.models import Patient
from tests.booking.conftest import Portal, api, client_of, clinic, elsewhere, now, other_patient, portal
from tests.booking.world import Clinic

__all__ = ["api", "clinic", "elsewhere", "now", "other_patient", "portal"]
pytestmark = pytest.mark.django_db
PATH = "/api/v1/intakes/"
SMOKES = {"linkId": "smokes", "text": "Do you smoke?", "answer": [{"valueBoolean": False}]}
ALLERGIES = {
    "linkId": "allergies",
    "answer": [
        {"valueCoding": {"code": "nuts"}, "item": [{"linkId": "since", "answer": [{"valueInteger": 1999}]}]},
        {"valueString": "Penicillin"},
    ],
}


def filled_in(patient: Patient, *items: Any, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": {"system": "https://forms.example", "value": "Q-1"},
        "status": "completed",
        "subject": {"reference": f"Patient/{patient.external_id}"},
        "authored": "2026-02-27T10:00:00Z",
        "item": list(items or [{"linkId": "g", "item": [SMOKES]}, ALLERGIES]),
        **fields,
    }


def hand_in(client: APIClient, clinic: Clinic, document: Any, status: int = 201) -> dict[str, Any]:
    answer = client.post(f"{PATH}?region={clinic.region.name}", document, format="json")
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def dump_all() -> None:
    """As workers do, by what the publisher asks of them."""
    for row in Outbox.objects.filter(type="intake.received").order_by("pk"):
        for call in calls_of(event_of(row)):
            assert call.queue == "intakes"
            dump(call.argument)


def states() -> list[str]:
    return list(Intake.objects.order_by("pk").values_list("state", flat=True))


def test_each_answer_is_a_row_once(api: APIClient, clinic: Clinic) -> None:
    document = filled_in(clinic.patient)
    first = hand_in(api, clinic, document)
    assert hand_in(api, clinic, document, 200)["id"] == first["id"]
    dump_all()
    dump_all()
    rows = [(row.link_id, row.number, row.kind, str(row.value)) for row in IntakeQuestionnaireDatum.objects.all()]
    assert rows == [
        ("smokes", 0, "Boolean", "false"),
        ("allergies", 0, "Coding", '{"code": "nuts"}'),
        ("allergies", 1, "String", '"Penicillin"'),
        ("since", 0, "Integer", "1999"),
    ]
    assert states() == ["current"]
    assert Outbox.objects.get(type="intake.received").data == {"intake": first["id"]}


@pytest.mark.parametrize("late", [False, True])
def test_a_correction_supersedes_in_whatever_order_they_come(api: APIClient, clinic: Clinic, late: bool) -> None:
    before = filled_in(clinic.patient)
    after = filled_in(clinic.patient, SMOKES, status="amended", authored="2026-02-28")
    for document in (after, before) if late else (before, after):
        hand_in(api, clinic, document)
    dump_all()
    assert states() == (["current", "superseded"] if late else ["superseded", "current"])
    current = Intake.objects.get(state="current")
    assert current.status == "amended"
    assert Intake.objects.get(state="superseded").superseded_by == current


def test_what_was_entered_in_error_takes_the_former_away(api: APIClient, clinic: Clinic) -> None:
    hand_in(api, clinic, filled_in(clinic.patient))
    hand_in(api, clinic, filled_in(clinic.patient, status="entered-in-error", authored="2026-03-01T00:00:00Z"))
    dump_all()
    assert states() == ["superseded", "void"]


def test_another_identifier_is_another_questionnaire(api: APIClient, clinic: Clinic) -> None:
    hand_in(api, clinic, filled_in(clinic.patient))
    hand_in(api, clinic, filled_in(clinic.patient, identifier={"value": "Q-2"}))
    hand_in(api, clinic, filled_in(clinic.patient, identifier={}))
    dump_all()
    assert states() == ["current"] * 3


def test_what_is_no_questionnaire_is_400_and_repeats_no_answer(api: APIClient, clinic: Clinic) -> None:
    bad: list[dict[str, Any]] = [
        {"status": "in-progress"}, {"resourceType": "Patient"}, {"subject": {"reference": "Group/1"}},
        {"item": [{"answer": [{"valueString": "secret"}]}]}, {"authored": "yesterday"},
        {"item": [{"linkId": "x", "answer": [{"valueString": "secret", "valueInteger": 1}]}]},
        {"status": "amended", "identifier": {}}, {"item": {"linkId": "x"}},
    ]  # fmt: skip
    for changes in bad:
        assert "secret" not in str(hand_in(api, clinic, {**filled_in(clinic.patient), **changes}, 400))
    assert not Intake.objects.exists()
    assert api.post(PATH, filled_in(clinic.patient), format="json").status_code == 400


def test_outsiders(api: APIClient, clinic: Clinic, elsewhere: Clinic, portal: Portal, other_patient: Patient) -> None:
    document = filled_in(clinic.patient)
    hand_in(APIClient(), clinic, document, 401)
    hand_in(client_of(elsewhere), clinic, document, 404)
    hand_in(client_of(clinic, verbs=["appointments:read"]), clinic, document, 403)
    hand_in(client_of(clinic, role="viewer"), clinic, document, 403)
    hand_in(api, clinic, filled_in(elsewhere.patient, subject={"reference": "Patient/nobody"}), 404)
    hand_in(portal(other_patient), clinic, document, 404)
    hand_in(portal(claim=""), clinic, document, 401)
    assert not Intake.objects.exists()
    hand_in(portal(), clinic, document)


def test_one_whose_patient_is_gone_is_passed_over(db: None) -> None:
    dump(1)
    assert on_received.__doc__


# (linkId, how many answers, whether the next ones lie within it)
plans = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=6)


def planned(plan: list[tuple[str, int, bool]]) -> list[Any]:
    if not plan:
        return []
    (link, number, holds), *rest = plan
    item: dict[str, Any] = {"linkId": link, "answer": [{"valueInteger": each} for each in range(number)]}
    return [{**item, "item": planned(rest)}] if holds else [item, *planned(rest)]


@settings(max_examples=30)
@given(plans)
def test_every_answer_of_any_document_has_a_place_of_its_own(plan: list[tuple[str, int, bool]]) -> None:
    answers = list(answers_of({"item": planned(plan)}))
    assert len({(one.link_id, one.number) for one in answers}) == len(answers) == sum(each[1] for each in plan)


def test_deep_nesting_is_no_trouble() -> None:
    item: dict[str, Any] = SMOKES
    for _ in range(5000):
        item = {"linkId": "g", "item": [item]}
    assert len(list(answers_of({"item": [item]}))) == 1
    with pytest.raises(NotReadable):
        list(answers_of({"item": "x"}))
