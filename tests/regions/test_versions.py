"""A region's configurations: each is kept, shown without secrets, and put back alone, after a question."""

import json
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from regions import history
from regions.configuration import load, put_back
from regions.models import Region, RegionVersion
from regions.regionfile import parse
from tests.factories import RegionFactory, UserFactory
from tests.regions.world import ENVIRON, FILE, TOKEN, env_vars, with_

pytestmark = pytest.mark.django_db
NEW_TOKEN = "s3cret-that-came-later"


def loaded(text: str, **environ: str) -> Region:
    return load(parse(text, environ={**ENVIRON, **environ})).region


def numbers(region: Region) -> list[int]:
    return [version.number for version in region.versions.all()]


def version(region: Region, number: int) -> RegionVersion:
    return region.versions.get(number=number)


@pytest.fixture
def region() -> Region:
    """Three versions: as in the file; slower, for one tenth; with another hospital and token."""
    loaded(json.dumps(FILE))
    loaded(with_(pace={"hospital": 5, "fhir": 1}, collection_percent="82.5"))
    other = {"HOSPITAL_GRAPHQL_URL": "https://other.example.org/graphql", "HOSPITAL_API_TOKEN": NEW_TOKEN}
    return loaded(env_vars(**other))


@pytest.fixture
def engineer(client: Client, region: Region) -> Client:
    client.force_login(UserFactory.create(username="enid", role="engineer", regions=[region]))
    return client


def page(region: Region, number: int | None = None) -> str:
    address = f"/admin/regions/region/{region.pk}/versions/"
    return address if number is None else f"{address}{number}/"


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_each_change_is_a_version_and_loading_a_file_again_is_none(region: Region) -> None:
    assert numbers(region) == [3, 2, 1]
    loaded(env_vars(**region.env_vars))
    changed = history.differences(version(region, 1), version(region, 2))
    assert changed is not None
    assert [(one.key, one.before, one.after) for one in changed] == [
        ("collection_percent", "100.00", "82.50"),
        ("pace.fhir", "10", "1"),
        ("pace.hospital", "50", "5"),
    ]


def test_a_region_that_is_older_than_its_history_is_kept_as_it_was_found(engineer: Client) -> None:
    old = RegionFactory.create(name="old", country="ID")
    loaded(with_(name="old", country="US"))
    assert [(one.number, one.origin) for one in old.versions.all()] == [(2, "file"), (1, "before")]
    put_back(version(old, 1), made_by=None)
    old.refresh_from_db()
    assert (old.country, old.env_vars) == ("ID", {})


def test_a_version_is_put_back_with_its_secrets_and_where_they_came_from(region: Region) -> None:
    user = UserFactory.create(role="engineer", regions=[region])
    put_back(version(region, 1), made_by=user)
    region.refresh_from_db()
    assert region.pace == {"hospital": 50, "fhir": 10}
    assert region.collection_percent == 100
    assert (region.env_vars["HOSPITAL_API_TOKEN"], region.env_vars["FHIR_API_TOKEN"]) == (TOKEN, "s3cret-of-fhir")
    assert region.env_sources == {"FHIR_API_TOKEN": "PBG_FHIR_TOKEN"}
    newest = version(region, 4)
    assert (newest.origin, newest.put_back, newest.made_by) == ("put back", 1, user)
    assert history.differences(version(region, 1), newest) == []


def test_present_secrets_may_be_kept_where_their_address_is_the_same(region: Region) -> None:
    loaded(env_vars(FHIR_API_TOKEN="a-newer-one-of-fhir"))
    put_back(version(region, 3), made_by=None, keep_secrets=True)
    region.refresh_from_db()
    # The hospital's address changes: the secret of now is not sent to the one of then.
    assert region.env_vars["HOSPITAL_API_TOKEN"] == NEW_TOKEN
    assert region.env_vars["FHIR_API_TOKEN"] == "a-newer-one-of-fhir"
    assert region.env_sources == {}


def test_another_region_is_not_touched(region: Region) -> None:
    """S1-33: one region is rolled back alone."""
    other = loaded(with_(name="lombok-barat"))
    put_back(version(region, 2), made_by=None)
    assert (numbers(region), numbers(other)) == ([4, 3, 2, 1], [1])
    other.refresh_from_db()
    assert other.pace == FILE["pace"]


def test_pauses_and_staff_are_not_part_of_it(region: Region, engineer: Client) -> None:
    Region.objects.filter(pk=region.pk).update(paused=True)
    put_back(version(region, 1), made_by=None)
    region.refresh_from_db()
    assert region.paused
    assert region.staff.count() == 1


def test_secrets_are_neither_shown_nor_stored_in_clear(region: Region, engineer: Client) -> None:
    secrets = (TOKEN, NEW_TOKEN, "s3cret-of-fhir")
    for address in (page(region), page(region, 1), page(region, 2)):
        shown = engineer.get(address).content.decode()
        assert not [secret for secret in secrets if secret in shown], address
    assert "env_vars.HOSPITAL_API_TOKEN" in engineer.get(page(region, 1)).content.decode()
    assert "stored, another value" in engineer.get(page(region, 1)).content.decode()
    column: list[Any] = list(RegionVersion.objects.values_list("document", flat=True))
    assert not [secret for secret in secrets for stored in column if secret in str(stored.text)]


def test_the_question_shows_what_changes_and_its_answer_does_it_and_is_audited(
    region: Region, engineer: Client
) -> None:
    """S1-33: who rolled what back stands in the audit log, without the secrets."""
    shown = engineer.get(page(region, 2)).content.decode()
    for text in ("Put back version 2 of Purbalingga?", "pace.hospital", "https://other.example.org/graphql"):
        assert text in shown
    assert numbers(region) == [3, 2, 1]
    response = engineer.post(page(region, 2), {"seen": "3"})
    assert response["Location"] == page(region)
    assert said(response).startswith("Version 2 is put back: 4 keys changed.")
    assert version(region, 4).made_by is not None
    entries = LogEntry.objects.get_for_object(region).filter(actor__username="enid")
    changes = {key: value for entry in entries for key, value in (entry.changes or {}).items()}
    assert changes["configuration"] == ["", "version 2 put back"]
    assert changes["env_vars.HOSPITAL_API_TOKEN"] == ["(hidden)", "(hidden)"]
    assert TOKEN not in str(changes)
    assert "by enid: version 2 put back" in engineer.get(page(region)).content.decode()


def test_an_answer_to_an_old_question_is_asked_once_more(region: Region, engineer: Client) -> None:
    loaded(json.dumps(FILE))
    response = engineer.post(page(region, 2), {"seen": "3"})
    assert "was changed meanwhile" in response.content.decode()
    assert numbers(region) == [4, 3, 2, 1]


def test_a_version_that_stands_already_or_is_no_longer_possible_says_so(region: Region, engineer: Client) -> None:
    assert "is like version 3 already" in engineer.get(page(region, 3)).content.decode()
    old = version(region, 1)
    file, sources = history.file_of(old)
    old.document = {"file": {**file, "colour": "red"}, "env_sources": sources}
    old.save()
    response = engineer.post(page(region, 1), {"seen": "3"})
    assert said(response) == "Not put back: colour: is not a known key."
    assert numbers(region) == [3, 2, 1]


def test_versions_whose_key_is_lost_are_listed_and_cannot_be_put_back(
    region: Region, engineer: Client, settings: Any
) -> None:
    settings.FIELD_KEYS = ["Aw" * 21 + "A="]
    assert "does not open with FIELD_KEYS" in engineer.get(page(region)).content.decode()
    assert "does not open with FIELD_KEYS" in engineer.get(page(region, 1)).content.decode()
    assert engineer.post(page(region, 1), {"seen": "3"}).status_code == 200
    assert numbers(region) == [3, 2, 1]


def test_without_a_history_the_page_says_when_it_begins(client: Client) -> None:
    bare = RegionFactory.create()
    client.force_login(UserFactory.create(role="viewer", regions=[bare]))
    assert "Nothing is kept yet" in client.get(page(bare)).content.decode()


# Outsiders


def test_who_is_not_signed_in_is_sent_to_the_log_in(client: Client, region: Region) -> None:
    for address in (page(region), page(region, 1)):
        assert client.get(address)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "auditor"])
def test_who_may_not_configure_reads_the_history_and_puts_nothing_back(
    client: Client, region: Region, role: str
) -> None:
    client.force_login(UserFactory.create(role=role, regions=[region]))
    shown = client.get(page(region)).content.decode()
    assert "pace.hospital" in shown
    assert "Put this back" not in shown
    assert client.get(page(region, 1)).status_code == 403
    assert client.post(page(region, 1), {"seen": "3"}).status_code == 403
    assert numbers(region) == [3, 2, 1]


def test_another_regions_history_is_not_there(engineer: Client) -> None:
    other = loaded(with_(name="lombok-barat"))
    for address in (page(other), page(other, 1)):
        assert engineer.get(address).status_code == 404
    assert engineer.post(page(other, 1), {"seen": "1"}).status_code == 404
    assert engineer.get(page(Region.objects.get(name="purbalingga"), 99)).status_code == 404
