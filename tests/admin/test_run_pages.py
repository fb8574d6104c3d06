"""Runs in the admin: the list, the live page with its ETag, its counters' links and its buttons."""

import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from backoffice.runs.models import Run, StepPart
from tests.admin.conftest import SignIn, World, make_run, said, text_of


def page_of(run: Run) -> str:
    return f"/admin/runs/run/{run.pk}/change/"


def test_the_list_shows_status_figures_and_links(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in("viewer"), "/admin/runs/run/")
    assert page_of(north.run) in page
    assert "Complete" in page
    assert f"/admin/runs/failure/?run={north.run.pk}" in page


def test_jobs_that_have_a_form_are_offered_to_be_started(sign_in: SignIn, north: World) -> None:
    for role in ("finance", "operator"):
        page = text_of(sign_in(role), "/admin/runs/run/")
        offered = re.findall(r'href="([^"]+)">Start: ([^<]+)<', page)
        assert ("/admin/clinic/missingservice/start/", "Missing-service recovery") in offered


def test_the_page_says_what_to_do(sign_in: SignIn, north: World) -> None:
    Run.objects.filter(pk=north.run.pk).update(
        status="failed", reason="config", detail="The hospital refuses the token."
    )
    page = text_of(sign_in("operator"), page_of(north.run))
    assert "The hospital refuses the token." in page
    assert "Put right what is named here, then restart it" in page
    assert "Restart</button>" in page


def test_the_page_has_figures_windows_and_the_cache(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in("viewer"), page_of(north.run))
    assert "$1,234.50" in page
    assert "Balanced: 10 read" in page
    assert "2026-03-01" in page
    assert "Joined in flight" in page
    assert "no cost center" in page


def test_every_counter_leads_to_as_many_rows(sign_in: SignIn, north: World, south: World) -> None:
    client = sign_in("viewer")
    page = text_of(client, page_of(north.run))
    links = re.findall(r'<a href="(/admin/runs/failure/\?run=[^"]+)">(\d+)</a>', page)
    assert links
    for href, number in links:
        listed = text_of(client, href.replace("&amp;", "&"))
        assert f"{number} failure" in listed


def test_the_live_part_is_not_sent_again_until_something_was_committed(sign_in: SignIn, north: World) -> None:
    client = sign_in("viewer")
    address = f"/admin/runs/run/{north.run.pk}/live/"
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    StepPart.objects.filter(run=north.run).update(read=11)
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert again["ETag"] != first["ETag"]


def test_a_live_run_shows_how_far_it_is_and_refreshes_without_a_script(sign_in: SignIn, north: World) -> None:
    now = timezone.now()
    Run.objects.filter(pk=north.run.pk).update(status="running", ended_at=None)
    StepPart.objects.filter(run=north.run).update(status="running", heartbeat_at=now)
    page = text_of(sign_in("operator"), page_of(north.run))
    for words in ("window 1 of 2", "50 %", "10 appointments read", "5.0 appointments per second", "about 2 s left"):
        assert words in page
    assert "Stop</button>" in page
    assert "data-run-live" in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_a_run_whose_worker_is_gone_is_abandoned_by_looking_at_it(sign_in: SignIn, north: World) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=north.run.pk).update(status="running", ended_at=None, created_at=long_ago)
    StepPart.objects.filter(run=north.run).update(status="running", heartbeat_at=long_ago)
    assert "Abandoned" in text_of(sign_in("viewer"), page_of(north.run))


@pytest.mark.usefixtures("queue")
def test_stop_and_restart(sign_in: SignIn, north: World) -> None:
    client = sign_in("operator")
    Run.objects.filter(pk=north.run.pk).update(status="queued", ended_at=None)
    client.post(f"/admin/runs/run/{north.run.pk}/stop/")
    north.run.refresh_from_db()
    assert north.run.status == "stopped"
    entry = LogEntry.objects.get_for_object(north.run).latest()
    assert entry.changes_dict == {"status": ["queued", "stopped"]}
    assert str(entry.actor_id) == client.session["_auth_user_id"]
    StepPart.objects.filter(run=north.run).update(status="pending")
    response = client.post(f"/admin/runs/run/{north.run.pk}/restart/")
    again = Run.objects.latest("pk")
    assert (again.chain, again.attempt) == (north.run.chain, 2)
    assert response["Location"] == page_of(again)
    assert again.started_by is not None
    assert f'continued by <a href="{page_of(again)}"' in text_of(client, page_of(north.run))


def test_what_cannot_be_done_is_said_on_the_page(sign_in: SignIn, north: World) -> None:
    assert "nothing to stop" in said(sign_in("operator").post(f"/admin/runs/run/{north.run.pk}/stop/"))


@pytest.mark.usefixtures("queue")
def test_the_failed_ones_alone_are_run_again(sign_in: SignIn, north: World) -> None:
    sign_in("finance").post(f"/admin/runs/run/{north.run.pk}/failed_only/")
    run = Run.objects.latest("pk")
    assert run.pk != north.run.pk
    assert run.parameters["only"] == {"failures_of": north.run.pk}


@pytest.mark.usefixtures("queue")
def test_a_preview_starts_at_once(sign_in: SignIn, north: World) -> None:
    form = {"region": north.region.pk, "range": "days", "days": 3, "mode": "preview", "window": 1, "chunk": 50}
    response = sign_in().post("/admin/clinic/missingservice/start/", form)
    run = Run.objects.latest("pk")
    assert response["Location"] == page_of(run)
    assert (run.parameters["mode"], run.parameters["window"], run.parameters["chunk"]) == ("preview", 1, 50)


@pytest.mark.usefixtures("queue")
def test_a_run_that_writes_asks_first(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    form = {
        "region": north.region.pk, "range": "dates", "days": 3, "begins": "2026-03-01", "ends": "2026-04-01",
        "mode": "write", "window": 7, "chunk": 200,
    }  # fmt: skip
    before = Run.objects.count()
    asked = client.post("/admin/clinic/missingservice/start/", form).content.decode()
    assert "Write into the billing of North?" in asked
    assert "31 days" in asked
    assert "5 windows" in asked
    assert Run.objects.count() == before
    client.post("/admin/clinic/missingservice/start/", {**form, "sure": "1"})
    run = Run.objects.latest("pk")
    assert (run.parameters["from"], run.parameters["to"], run.parameters["mode"]) == (
        "2026-03-01",
        "2026-04-01",
        "write",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"range": "dates"}, "Choose a day."),
        ({"range": "dates", "begins": "2026-04-01", "ends": "2026-03-01"}, "The end has to lie after the beginning."),
        ({"days": ""}, "Say how many days."),
        ({"chunk": 201}, "less than or equal to 200"),
        ({"region": 999_999}, "Select a valid choice"),
    ],
)
def test_a_start_that_cannot_be_is_said_beside_the_field(
    sign_in: SignIn, north: World, change: dict[str, object], words: str
) -> None:
    form = {"region": north.region.pk, "range": "days", "days": 3, "mode": "preview", "window": 1, "chunk": 50}
    assert words in sign_in().post("/admin/clinic/missingservice/start/", {**form, **change}).content.decode()


def test_another_region_cannot_be_started(sign_in: SignIn, south: World) -> None:
    form = {"region": south.region.pk, "range": "days", "days": 3, "mode": "preview", "window": 1, "chunk": 50}
    assert "Select a valid choice" in sign_in().post("/admin/clinic/missingservice/start/", form).content.decode()


def test_failures_are_filtered_by_region_resolution_and_reference(sign_in: SignIn, north: World, south: World) -> None:
    client = sign_in("superuser")
    for query, seen in (("region=north", True), ("region=south", False), ("resolution=fixed", False), ("q=A-0", True)):
        page = text_of(client, f"/admin/runs/failure/?{query}")
        assert (f"/admin/runs/failure/{north.failure.pk}/change/" in page) is seen, query


def test_the_page_of_a_failure_leads_to_its_row(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    page = text_of(client, f"/admin/runs/failure/{north.failure.pk}/change/")
    (href,) = re.findall(r'href="([^"]+)">Open it in the worklist', page)
    assert f"/admin/clinic/missingservice/{north.row.pk}/change/" in text_of(client, href.replace("&amp;", "&"))


def test_a_run_of_a_preview_says_so(sign_in: SignIn, north: World) -> None:
    run = make_run(north.region, key="north:preview", parameters={**north.run.parameters, "mode": "preview"})
    page = text_of(sign_in("viewer"), page_of(run))
    assert "preview: nothing is written" in page
    assert "Would be written" in page
