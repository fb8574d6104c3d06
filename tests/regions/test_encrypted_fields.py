"""Secrets at rest (docs/decisions/0011-secrets-at-rest.md)."""

import base64
import pickle
from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from redis import Redis

from backoffice import presence
from backoffice.fields import SecretMisused
from backoffice.keyring import Sealed, SecretUnreadable, seal, unseal
from regions.models import Region
from tests.factories import RegionFactory

OLD, NEW = (base64.urlsafe_b64encode(bytes([number]) * 32).decode() for number in (1, 2))
SECRET = "hunter2-hunter2"

pytestmark = pytest.mark.django_db


@pytest.fixture
def region(settings: Any) -> Region:
    settings.FIELD_KEYS = [OLD]
    return RegionFactory.create(env_vars={"HOSPITAL_API_TOKEN": SECRET})


def column(region: Region) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT env_vars FROM regions_region WHERE name = %s", [region.name])
        return str(cursor.fetchone()[0])


def test_a_value_comes_back_as_it_was_and_its_column_does_not_hold_it(region: Region) -> None:
    assert Region.objects.get().env_vars == {"HOSPITAL_API_TOKEN": SECRET}
    assert SECRET not in column(region)
    assert "HOSPITAL" not in column(region)


def test_the_same_value_is_sealed_differently_each_time(region: Region) -> None:
    before = column(region)
    region.env_vars = {"HOSPITAL_API_TOKEN": SECRET}
    region.save()
    assert column(region) != before


def test_an_instance_holds_no_clear_text_not_even_in_a_pickle(region: Region) -> None:
    assert SECRET not in repr(vars(region))
    assert SECRET.encode() not in pickle.dumps(region)
    assert SECRET not in serializers.serialize("json", [region])


def test_a_dumped_row_can_be_loaded_again(region: Region) -> None:
    dump = serializers.serialize("json", [region])
    region.delete()
    for loaded in serializers.deserialize("json", dump):
        loaded.save()
    assert Region.objects.get().env_vars["HOSPITAL_API_TOKEN"] == SECRET


def test_values_stay_sealed_where_no_instance_opens_them(region: Region) -> None:
    (sealed,) = Region.objects.values_list("env_vars", flat=True)
    assert isinstance(sealed, Sealed)
    assert repr(sealed) == "Sealed()"


def test_ciphertext_of_another_row_does_not_open(region: Region) -> None:
    other = RegionFactory.create()
    Region.objects.filter(pk=other.pk).update(env_vars=Sealed(column(region)))
    with pytest.raises(SecretUnreadable) as caught:
        Region.objects.get(pk=other.pk).env_vars  # noqa: B018 (reading is the test)
    assert column(region) not in str(caught.value)


@pytest.mark.parametrize("broken", ["", "clear text", "1.deadbeef.AAAA", '{"HOSPITAL_API_TOKEN": "x"}'])
def test_what_was_never_sealed_by_us_is_refused_rather_than_returned(region: Region, broken: str) -> None:
    Region.objects.update(env_vars=Sealed(broken))
    with pytest.raises(SecretUnreadable):
        Region.objects.get().env_vars  # noqa: B018


def test_a_changed_ciphertext_does_not_open(region: Region) -> None:
    text = column(region)
    changed = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    with pytest.raises(SecretUnreadable):
        unseal(Sealed(changed), f"regions.region:{region.row_id}:env_vars")


def test_the_wrong_key_opens_nothing(region: Region, settings: Any) -> None:
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(SecretUnreadable):
        Region.objects.get().env_vars  # noqa: B018


def test_saving_another_column_keeps_a_secret_whose_key_is_missing(region: Region, settings: Any) -> None:
    settings.FIELD_KEYS = [NEW]
    fresh = Region.objects.get()
    fresh.display_name = "Renamed"
    fresh.save()
    settings.FIELD_KEYS = [OLD]
    assert Region.objects.get().env_vars["HOSPITAL_API_TOKEN"] == SECRET


def test_a_value_cannot_be_changed_in_place_where_it_would_not_be_saved(region: Region) -> None:
    values: Any = region.env_vars
    with pytest.raises(TypeError):
        values["HOSPITAL_API_TOKEN"] = "other"


def test_clear_values_are_refused_where_they_could_not_be_sealed(region: Region) -> None:
    with pytest.raises(SecretMisused):
        Region.objects.filter(env_vars={"a": "b"}).exists()
    with pytest.raises(SecretMisused):
        Region.objects.update(env_vars={"a": "b"})


def test_rows_can_be_saved_together(region: Region) -> None:
    region.env_vars = {"HOSPITAL_API_TOKEN": "other"}
    Region.objects.bulk_update([region], ["env_vars"])
    Region.objects.bulk_create([Region(name="second", time_zone="UTC", env_vars={"FHIR_API_TOKEN": SECRET})])
    assert Region.objects.get(pk=region.pk).env_vars == {"HOSPITAL_API_TOKEN": "other"}
    assert Region.objects.get(name="second").env_vars == {"FHIR_API_TOKEN": SECRET}


def test_an_opened_value_does_not_show_itself(region: Region) -> None:
    assert SECRET not in repr(region.env_vars)
    assert SECRET not in f"{region.env_vars}"


def test_a_deferred_value_opens_when_it_is_asked_for(region: Region) -> None:
    assert Region.objects.defer("env_vars", "row_id").get().env_vars["HOSPITAL_API_TOKEN"] == SECRET
    region.refresh_from_db()
    assert region.env_vars["HOSPITAL_API_TOKEN"] == SECRET


@pytest.mark.parametrize("keys", [[], ["short"], ["not base64 at all!"], [OLD, base64.b64encode(b"x" * 31).decode()]])
def test_a_key_ring_that_is_not_one_is_named_without_its_keys(settings: Any, keys: list[str]) -> None:
    settings.FIELD_KEYS = keys
    with pytest.raises(ImproperlyConfigured) as caught:
        seal("x", "here")
    assert "FIELD_KEYS" in str(caught.value)
    assert not any(key in str(caught.value) for key in keys)


def test_a_rotation_seals_everything_under_the_new_key_and_the_old_one_can_go(region: Region, settings: Any) -> None:
    other = RegionFactory.create(env_vars={"FHIR_API_TOKEN": "second"})
    settings.FIELD_KEYS = [NEW, OLD]
    stale = Region.objects.get(pk=region.pk)
    call_command("rotate_field_keys")
    stale.save()  # loaded before the rotation: must not bring the old key back
    before = column(other)
    call_command("rotate_field_keys")
    assert column(other) == before
    settings.FIELD_KEYS = [NEW]
    assert Region.objects.get(pk=region.pk).env_vars["HOSPITAL_API_TOKEN"] == SECRET
    assert Region.objects.get(pk=other.pk).env_vars["FHIR_API_TOKEN"] == "second"


def test_a_key_that_came_in_last_is_opened_by_all_before_any_seals_with_it(region: Region, settings: Any) -> None:
    """Without downtime: processes that were restarted already and those that were not share the database."""
    rings = {"before": [OLD], "step 1": [OLD, NEW], "step 2": [NEW, OLD]}
    for first, then in (("before", "step 1"), ("step 1", "before"), ("step 1", "step 2"), ("step 2", "step 1")):
        settings.FIELD_KEYS = rings[first]
        region.env_vars = {"HOSPITAL_API_TOKEN": f"sealed in {first}"}
        region.save()
        settings.FIELD_KEYS = rings[then]
        assert Region.objects.get(pk=region.pk).env_vars["HOSPITAL_API_TOKEN"] == f"sealed in {first}"


def test_nothing_is_sealed_under_a_key_that_a_running_process_was_not_started_with(
    region: Region, settings: Any, queue: Redis
) -> None:
    """A restart by the button begins again with the surroundings of before, and so with the old keys alone."""
    settings.FIELD_KEYS = [OLD]
    presence.Presence(name="web", on_restart=lambda: None).beat()
    settings.FIELD_KEYS = [NEW, OLD]
    presence.Presence(name="worker", on_restart=lambda: None).beat()
    before = column(region)
    with pytest.raises(CommandError, match=r"not known to web, which .+ Start them anew") as refused:
        call_command("rotate_field_keys")
    assert refused.value.returncode == 2
    assert column(region) == before
    (web,) = [one for one in presence.processes() if one.name == "web"]
    presence.forget(web.key)
    call_command("rotate_field_keys")
    assert column(region) != before


def test_a_rotation_names_the_rows_that_no_key_opens_and_does_the_others(region: Region, settings: Any) -> None:
    settings.FIELD_KEYS = [NEW]
    other = RegionFactory.create(env_vars={"FHIR_API_TOKEN": "second"})
    third = base64.urlsafe_b64encode(bytes([3]) * 32).decode()
    settings.FIELD_KEYS = [third, NEW]
    with pytest.raises(CommandError) as caught:
        call_command("rotate_field_keys", stdout=StringIO())
    assert str(region.row_id) in str(caught.value)
    settings.FIELD_KEYS = [third]
    assert Region.objects.get(pk=other.pk).env_vars["FHIR_API_TOKEN"] == "second"
