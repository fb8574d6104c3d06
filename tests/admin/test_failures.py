"""The list of failures: its filters offer what the user's failures have, and the links of a run still fit."""

import re

from backoffice.runs.models import Failure
from tests.admin.conftest import SignIn, World, make_run, text_of

FAILURES = "/admin/runs/failure/"


def offered(page: str, name: str) -> list[str]:
    """The values of a filter, but "all"."""
    (choices,) = re.findall(rf'<select id="nw-{name}".*?</select>', page, re.DOTALL)
    return re.findall(r'<option value="([^"]*)"', choices)[1:]


def fail(world: World, reference: str, category: str, reason: str) -> None:
    Failure.objects.create(
        run=world.run, step="recover", reference=reference, category=category, reason=reason, phase="prepare"
    )


def test_categories_reasons_and_runs_of_the_users_regions_are_offered(
    sign_in: SignIn, north: World, south: World
) -> None:
    fail(north, "F-1", "service_block", "B1:retired_block;B2:retired_block")
    fail(south, "F-2", "validation", "CASE_CLOSED")
    client = sign_in()
    page = text_of(client, FAILURES)
    assert offered(page, "category") == ["master_data", "service_block"]
    assert offered(page, "fault") == ["no_cost_center", "retired_block"]
    assert offered(page, "run") == [str(north.run.pk)]
    assert offered(page, "region") == ["north"]
    assert offered(text_of(client, f"{FAILURES}?category=service_block"), "fault") == ["retired_block"]


def test_each_filter_narrows_the_list(sign_in: SignIn, north: World) -> None:
    other = make_run(north.region)
    fail(north, "F-1", "service_block", "B1:retired_block")
    fail(north, "F-2", "service_block", "B1:unknown_block;B2:retired_block")
    Failure.objects.create(run=other, step="recover", reference="F-3", category="lookup", reason="case", phase="x")
    client = sign_in()
    for query, found in (
        ("category=service_block", {"F-1", "F-2"}),
        ("fault=retired_block", {"F-1"}),
        ("fault=retired_block%3Bunknown_block", {"F-2"}),
        ("reason=B1:retired_block", {"F-1"}),
        (f"run={other.pk}", {"F-3"}),
        (f"run={north.run.pk}&category=lookup", set()),
        ("region=south", set()),
    ):
        page = text_of(client, f"{FAILURES}?{query}")
        assert set(re.findall(r">(F-\d)</a>", page)) == found, query


def test_what_an_address_names_stays_chosen_though_nothing_has_it(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in(), f"{FAILURES}?run=999&category=lookup")
    assert '<option value="999" selected>Run 999</option>' in page
    assert '<option value="lookup" selected>Lookup</option>' in page
    assert "No failure matches" in page
