"""What is said of a patient can be: a language is a tag of BCP 47, and nobody is born tomorrow."""

import pytest
from rest_framework.test import APIClient

from tests.booking.test_api import post
from tests.booking.world import Clinic

GOOD = ["", "en", "es-419", "zh-Hant-TW", "sl-rozaj-biske", "de-DE-u-co-phonebk", "en-x-a"]
BAD = ["e", "english", "en-", "en_US", "en-12", "en-USA1", "en-en-en", "en-a", "zh-TW-Hant", "en-x", "x-a", "12"]


@pytest.mark.parametrize("language", GOOD)
def test_a_language_is_a_tag(api: APIClient, clinic: Clinic, language: str) -> None:
    body = {"region": clinic.region.name, "external_id": "P-1", "language": language}
    assert post(api, "patients/", body, 201)["language"] == language


@pytest.mark.parametrize("language", BAD)
def test_what_is_no_tag_is_400(api: APIClient, clinic: Clinic, language: str) -> None:
    body = {"region": clinic.region.name, "external_id": "P-1", "language": language}
    assert list(post(api, "patients/", body, 400)["error"]["fields"]) == ["language"]


def test_nobody_is_born_tomorrow(api: APIClient, clinic: Clinic) -> None:
    """It is the first of March at noon in Chicago, and the second in Kiritimati."""
    body = {"region": clinic.region.name, "external_id": "P-1"}
    for day in ("2026-03-03", "2030-01-01", "9999-12-31"):
        error = post(api, "patients/", {**body, "birth_date": day}, 400)["error"]
        assert error["fields"] == {"birth_date": ["A birth date does not lie ahead."]}
    post(api, "patients/", {**body, "birth_date": "2026-03-02"}, 201)
