"""What messages say, and what a template may hold."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.notices.models import Template
from clinic.notices.placeholders import NAMES, BadTemplate, filled, pieces_of
from clinic.notices.texts import letter_for
from tests.booking.world import PatientFactory
from tests.notices.conftest import make_region

BEGINS = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["{phone}", "{given_name.__class__}", "{given_name!r}", "{day:>9}", "{0}", "{}", "{day", "}", "{day[0]}"]
)
def test_a_placeholder_that_there_is_not_is_refused_when_it_is_saved(text: str) -> None:
    row = Template(kind="missed", language="en", subject="x", short=text, body="x")
    with pytest.raises(ValidationError, match=r"Known are \{given_name\}, \{clinic\}, \{day\}, \{time\}"):
        row.clean_fields(exclude=["region"])


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_a_text_is_refused_or_filled(text: str) -> None:
    try:
        pieces_of(text)
    except BadTemplate:
        return
    assert isinstance(filled(text, dict.fromkeys(NAMES, "{day}")), str)


@pytest.mark.django_db
def test_the_patients_language_is_spoken_where_there_is_a_text() -> None:
    region = make_region()

    def short(language: str) -> str:
        patient = PatientFactory.build(region=region, language=language)
        return letter_for(region, patient, "missed", "push", BEGINS).body

    english = "West: We missed you on Monday, March 2 at 2:30 PM. Please call us for another time."
    assert short("") == short("en-US") == short("fr") == english
    assert short("es-MX").startswith("West: No pudimos verle el lunes 2 de marzo a las 14:30.")
    Template.objects.create(
        region=region, kind="missed", language="fr", subject="x", short="Bonjour {given_name}, {day}", body="x"
    )
    assert short("fr-CA") == "Bonjour Adaeze, 2026-03-02"
    Template.objects.update(short="{phone}")  # past the check: ours is sent
    assert short("fr") == english.replace("Monday, March 2", "2026-03-02").replace("2:30 PM", "14:30")
