"""A region file makes the region what it says; an export of it, loaded again, changes nothing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regions import keys
from regions.configuration import load
from regions.models import Region
from regions.regionfile import RegionFileError, export, parse
from tests.regions.world import ENVIRON, FILE, TOKEN, env_vars, with_

pytestmark = pytest.mark.django_db


def test_loading_a_file_again_changes_and_records_nothing() -> None:
    assert load(parse(json.dumps(FILE), environ=ENVIRON)).created
    again = load(parse(json.dumps(FILE), environ=ENVIRON))
    assert (again.created, again.changed) == (False, ())


def test_a_file_sets_all_of_the_configuration_and_what_it_leaves_out_gets_its_default() -> None:
    load(parse(with_(filing_days=90, collection_percent=82.5), environ=ENVIRON))
    Region.objects.update(paused=True)
    less = {key: value for key, value in FILE.items() if key not in ("pace", "country", "memory")}
    loaded = load(parse(json.dumps({**less, "env_vars": {}}), environ=ENVIRON))
    region = Region.objects.get()
    assert (region.pace, region.country, region.filing_days) == ({}, "", 365)
    assert region.collection_percent == 100
    assert "memory" not in region.deployment
    assert region.env_vars == {}
    assert region.paused
    assert "env_vars.HOSPITAL_API_TOKEN" in loaded.changed


def test_an_export_holds_no_secret_and_loaded_again_changes_nothing() -> None:
    region = load(parse(with_(collection_percent="82.5"), environ=ENVIRON)).region
    document = export(region)
    assert document["env_vars"]["HOSPITAL_API_TOKEN"] == "keep:"
    assert document["env_vars"]["FHIR_API_TOKEN"] == "env:PBG_FHIR_TOKEN"
    assert not {TOKEN, "s3cret-of-fhir"} & set(document["env_vars"].values())
    assert load(parse(json.dumps(document), environ=ENVIRON)).changed == ()
    assert Region.objects.get().env_vars["HOSPITAL_API_TOKEN"] == TOKEN


def test_a_kept_secret_that_the_region_does_not_have_is_named() -> None:
    with pytest.raises(RegionFileError) as caught:
        load(parse(env_vars(HOSPITAL_API_TOKEN="keep:"), environ=ENVIRON))
    assert caught.value.problems == [
        "env_vars.HOSPITAL_API_TOKEN: keep: stands for a secret that this region does not have"
    ]
    assert not Region.objects.exists()


text = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=40)
plain = text.filter(lambda value: not value.startswith(("env:", "keep:")) and value.isprintable())
regions = st.fixed_dictionaries(
    {
        "name": st.from_regex(keys.NAME, fullmatch=True).filter(lambda name: len(name) <= 50),
        "time_zone": st.just("UTC"),
    },
    optional={
        "display_name": text,
        "country": st.sampled_from(["", "ID", "US"]),
        "pace": st.dictionaries(st.sampled_from(keys.PACE_KEYS), st.integers(1, 1000) | st.floats(0.5, 99)),
        "concurrency_per_run": st.integers(1, keys.MAX_CONCURRENCY),
        "filing_days": st.integers(1, keys.MAX_FILING_DAYS),
        "collection_percent": st.decimals(0, 100, places=2).map(str),
        "memory": text,
        "env_vars": st.fixed_dictionaries(
            {},
            optional={
                "HOSPITAL_API_TOKEN": plain,
                "WORKSHEET_ID": plain,
                "FHIR_CLIENT_SECRET": st.just("env:PBG_FHIR_TOKEN"),
            },
        ),
    },
)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=regions)
def test_whatever_was_loaded_is_exported_so_that_loading_it_changes_nothing(document: dict[str, Any]) -> None:
    region = load(parse(json.dumps(document), environ=ENVIRON)).region
    region.refresh_from_db()
    for secrets in (False, True):
        exported = json.dumps(export(region, secrets=secrets))
        changed = load(parse(exported, environ=ENVIRON)).changed
        assert set(changed) <= ({"env_sources"} if secrets else set())
