"""The region file as it is read: every fault is told, by the key's name (docs/decisions/0010-region-file.md)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.regionfile import RegionFileError, parse
from tests.regions.world import ENVIRON, FILE, TOKEN, env_vars, with_


def problems(text: str) -> list[str]:
    with pytest.raises(RegionFileError) as caught:
        parse(text, environ=ENVIRON)
    assert TOKEN not in str(caught.value)
    return caught.value.problems


def test_the_file_of_the_documentation_is_well_formed() -> None:
    """S1-32: every key of the environment JSON is taken; what is deployed from it is kept as it stands."""
    file = parse(json.dumps(FILE), environ=ENVIRON)
    assert file.env_vars["FHIR_API_TOKEN"] == "s3cret-of-fhir"
    assert file.env_sources == {"FHIR_API_TOKEN": "PBG_FHIR_TOKEN"}
    kept = {"project_id", "service_name", "region", "platform", "memory", "cpu", "timeout", "max_instances"}
    kept |= {"min_instances", "concurrency", "credential_file"}
    assert file.deployment == {key: FILE[key] for key in kept}
    assert TOKEN not in repr(file)


def test_only_a_name_and_a_time_zone_are_required() -> None:
    file = parse('{"name": "lombok-barat", "time_zone": "Asia/Makassar"}')
    assert file.columns["display_name"] == "Lombok Barat"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (with_(colour="red"), "colour: is not a known key"),
        (with_(pace={"hospitals": 5}), "pace.hospitals: is not known; known are hospital, fhir, fhir_entries"),
        (env_vars(HOSPITAL_TOKEN="x"), "env_vars.HOSPITAL_TOKEN: is not a known key"),
        (with_(time_zone="Asia/Jakrta"), "time_zone: is not an IANA time zone such as Asia/Jakarta"),
        (with_(time_zone="../../etc/passwd"), "time_zone: is not an IANA time zone such as Asia/Jakarta"),
        (with_(time_zone=7), "time_zone: must be text"),
        (with_(country="id"), "country: must be two capital letters (ISO 3166), such as ID"),
        (with_(country="ZZ"), "country: is no country whose phone numbers are known; ID and US are"),
        (with_(display_name=" "), "display_name: must have 1 to 100 characters"),
        (with_(pace=[50]), "pace: must be an object"),
        (with_(pace={"hospital": 0}), "pace.hospital: must be a number of requests per second above 0"),
        (with_(pace={"hospital": True}), "pace.hospital: must be a number of requests per second above 0"),
        (with_(concurrency_per_run=0), "concurrency_per_run: must be a whole number from 1 to 64"),
        (with_(concurrency_per_run=True), "concurrency_per_run: must be a whole number from 1 to 64"),
        (with_(concurrency_per_run="8"), "concurrency_per_run: must be a whole number from 1 to 64"),
        (with_(filing_days=1.5), "filing_days: must be a whole number from 1 to 3650"),
        (with_(collection_percent=101), "collection_percent: must lie between 0 and 100, with at most two decimals"),
        (with_(collection_percent="all"), "collection_percent: must lie between 0 and 100, with at most two decimals"),
        (with_(memory=256), "memory: must be text"),
        (with_(env_vars="x"), "env_vars: must be an object"),
        (env_vars(HOSPITAL_API_TOKEN=5), "env_vars.HOSPITAL_API_TOKEN: must be text"),
        (env_vars(HOSPITAL_API_TOKEN=""), "env_vars.HOSPITAL_API_TOKEN: is empty; leave the key out instead"),
        (
            env_vars(HOSPITAL_API_TOKEN="env:NOT_THERE"),
            "env_vars.HOSPITAL_API_TOKEN: environment variable NOT_THERE is not set",
        ),
        (
            env_vars(WORKSHEET_ID="keep:"),
            "env_vars.WORKSHEET_ID: must not begin with env: or keep:",
        ),
        (
            env_vars(HOSPITAL_API_TOKEN="two\nlines"),
            "env_vars.HOSPITAL_API_TOKEN: must be one line of at most 4,000 characters, without blanks around it",
        ),
        ("{", "line 1, column 2: is not JSON: Expecting property name enclosed in double quotes"),
        ("[]", "must be one JSON object"),
        ("[" * 100_000, "is not JSON: it holds what JSON does not know"),
        (
            '{"name": "a", "time_zone": "UTC", "pace": {"hospital": NaN}}',
            "is not JSON: it holds what JSON does not know",
        ),
        ('{"name": "a", "name": "b", "time_zone": "UTC"}', "name: is given twice"),
        ('{"time_zone": "UTC"}', "name: is missing"),
    ],
)
def test_each_fault_is_one_line_that_names_its_key(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_all_faults_are_told_at_once() -> None:
    found = problems(json.dumps({"name": "Not A Slug", "tz": "UTC", "env_vars": {"FOO": "x"}}))
    assert [line.split(":")[0] for line in found] == ["tz", "time_zone", "name", "env_vars.FOO"]


@pytest.mark.parametrize("name", ["Purbalingga", "a b", "-a", "a--b", "a-", "1a", "a/b", "", "a" * 51, "ä"])
def test_a_name_that_could_not_stand_in_an_address_is_refused(name: str) -> None:
    assert problems(with_(name=name))[0].startswith("name: must be at most 50")


@pytest.mark.parametrize(
    "url",
    [
        "http://hospital.example.org/graphql",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://localhost@example.org/",
        "http://[::2]/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://user:password@example.org/",
        "https://:443/",
        "example.org",
        "https://example.org:port/",
        "https://exa mple.org/",
    ],
)
def test_an_endpoint_that_is_not_https_is_refused(url: str) -> None:
    (problem,) = problems(env_vars(HOSPITAL_GRAPHQL_URL=url))
    assert problem.startswith("env_vars.HOSPITAL_GRAPHQL_URL: ")
    assert url not in problem


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/graphql", "http://127.0.0.1:1/", "http://127.9.9.9/", "http://[::1]:80/"]
)
def test_plain_http_is_allowed_on_loopback(url: str) -> None:
    assert parse(env_vars(HOSPITAL_GRAPHQL_URL=url), environ=ENVIRON).env_vars["HOSPITAL_GRAPHQL_URL"] == url


@pytest.mark.slow
@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(content: str) -> None:
    with pytest.raises(RegionFileError) as caught:
        parse(content, environ={})
    assert all(problem and "\n" not in problem for problem in caught.value.problems)


junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just({"a": [1]})


@given(st.dictionaries(st.sampled_from([*FILE, "filing_days", "collection_percent", "x"]), junk))
def test_any_value_of_any_key_is_read_or_refused(document: dict[str, Any]) -> None:
    found: list[str] = []
    try:
        parse(json.dumps(document), environ={})
    except RegionFileError as error:
        found = error.problems
    assert not [problem for problem in found if "\n" in problem]
