"""Nights run again and undone from the admin: who may, what is asked first, and what comes of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from claims.models import Night, StagedBatch
from tests.admin.claims_world import ClaimsWorld, make_claims
from tests.admin.conftest import SignIn, World, said, text_of
from tests.claims.folders import RUN_DATE, adjudicated_of, line, run_night, small_world, staged
from tests.claims.nights import make_night
from tests.factories import UserFactory
from tests.running import finish

NIGHTS = "/admin/claims/night/"
AGAIN = "/admin/claims/night/again/"
SECOND = date(2024, 1, 16)


@pytest.fixture
def claims(north: World) -> ClaimsWorld:
    return make_claims(north.region)


@pytest.fixture
def southern(south: World) -> ClaimsWorld:
    return make_claims(south.region)


def undo_of(world: ClaimsWorld) -> str:
    return f"{NIGHTS}{world.night.pk}/undo/"


def test_nobody_runs_nights_again_or_undoes_them_without_signing_in(claims: ClaimsWorld, client: Client) -> None:
    for response in (client.post(AGAIN, {"row": claims.night.pk, "sure": "1"}), client.post(undo_of(claims))):
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("role", ["viewer", "finance", "auditor", None])
def test_who_may_not_start_any_job_is_refused_and_is_not_offered_it(
    sign_in: SignIn, claims: ClaimsWorld, role: str | None
) -> None:
    client = sign_in(role)
    assert client.post(AGAIN, {"row": claims.night.pk}).status_code == 403
    assert client.get(undo_of(claims)).status_code == 403
    assert client.post(undo_of(claims), {"sure": "1"}).status_code == 403
    if role:
        assert "Run again…" not in text_of(client, NIGHTS)
        assert "Undo…" not in text_of(client, f"{NIGHTS}{claims.night.pk}/change/")


def test_another_regions_nights_are_not_there(sign_in: SignIn, claims: ClaimsWorld, southern: ClaimsWorld) -> None:
    client = sign_in("operator")
    for rows in ([southern.night.pk], [claims.night.pk, southern.night.pk]):
        assert client.post(AGAIN, {"row": rows, "sure": "1"}).status_code == 404
    assert client.get(undo_of(southern)).status_code == 404
    assert client.post(undo_of(southern), {"sure": "1"}).status_code == 404
    assert not Run.objects.filter(job="rerun_pipeline").exists()


def test_a_form_of_another_site_changes_nothing(claims: ClaimsWorld) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory.create(role="operator", regions=[claims.region]))
    assert client.post(AGAIN, {"row": claims.night.pk, "sure": "1"}).status_code == 403
    assert client.post(undo_of(claims), {"sure": "1"}).status_code == 403
    assert Run.objects.filter(job="run_pipeline").get().status == RunStatus.COMPLETE


def test_the_preview_names_each_night_and_what_goes_and_starts_nothing(sign_in: SignIn, claims: ClaimsWorld) -> None:
    make_night(claims.region, date(2026, 3, 3), lines=1_200)
    last = make_night(claims.region, date(2026, 3, 4), lines=5)
    client = sign_in("operator")
    assert "Run again…" in text_of(client, NIGHTS)
    asked = client.post(AGAIN, {"row": [claims.night.pk, last.pk]}).content.decode()
    for words in ("Run 3 nights again?", "2026-03-02", "2026-03-03", "2026-03-04", "1,200", "$55.00"):
        assert words in asked, words
    assert "remittances of 1 provider" in asked
    assert "Nights between the chosen ones are run again as well" in asked
    assert not Run.objects.filter(job="rerun_pipeline").exists()


def test_what_cannot_be_run_again_is_said(sign_in: SignIn, claims: ClaimsWorld, southern: ClaimsWorld) -> None:
    later = make_night(claims.region, date(2026, 3, 3))
    client = sign_in("superuser")
    assert "The night of 2026-03-03 stands on" in said(client.post(AGAIN, {"row": claims.night.pk}))
    assert "nights of one region" in said(client.post(AGAIN, {"row": [later.pk, southern.night.pk]}))
    assert "No night was selected" in said(client.post(AGAIN))
    assert client.get(AGAIN)["Location"] == NIGHTS


def test_parts_that_are_none_are_asked_for_again(sign_in: SignIn, claims: ClaimsWorld) -> None:
    form = {"row": claims.night.pk, "partitions": 65, "sure": "1"}
    assert "less than or equal to 64" in sign_in("operator").post(AGAIN, form).content.decode()


def test_a_night_that_runs_or_that_another_stands_on_is_not_undone(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("operator")
    later = make_night(claims.region, date(2026, 3, 3))
    assert "A later night than 2026-03-02 has been run" in text_of(client, undo_of(claims))
    assert "A later night than 2026-03-02 has been run" in said(client.post(undo_of(claims), {"sure": "1"}))
    Run.objects.filter(chain=later.chain).update(status="queued")
    assert "is queued. Stop it first" in text_of(client, f"{NIGHTS}{later.pk}/undo/")
    assert "Undo…" not in text_of(client, f"{NIGHTS}{later.pk}/change/")


@pytest.fixture
def nights(north: World, tmp_path: Path) -> list[Night]:
    """Two that were run."""
    region = north.region
    staged(tmp_path / "1", small_world(), region)
    run_night(region)
    staged(tmp_path / "2", {"claim_lines": [line("C2")]}, region)
    run_night(region, run_date=SECOND)
    return list(Night.objects.filter(region=region).order_by("run_date"))


@pytest.mark.slow
@pytest.mark.usefixtures("queue")
@pytest.mark.django_db(transaction=True)
def test_chosen_nights_are_run_again_by_who_asked_for_it(sign_in: SignIn, nights: list[Night]) -> None:
    """S2-18, S2-20"""
    client = sign_in("operator")
    form = {"row": [night.pk for night in nights], "partitions": 2, "sure": "1"}
    response = client.post(AGAIN, form)
    run = Run.objects.get(job="rerun_pipeline")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    assert run.parameters == {"from": "2024-01-15", "to": "2024-01-16", "partitions": 2}
    assert "Not started" in said(client.post(AGAIN, form))
    assert finish(run).status == RunStatus.COMPLETE
    page = text_of(client, response["Location"])
    for words in ("Nights run again", "2024-01-15 to 2024-01-16", "left out"):
        assert words in page
    for night in nights:
        night.refresh_from_db()
        assert (night.complete, night.partitions) == (True, 2)
        assert night.last_run is not None
        assert night.last_run.started_by == run.started_by
    assert {entry.actor for entry in LogEntry.objects.filter(changes__has_key="outputs")} == {run.started_by}


def started(response: Any) -> Run:
    """The run to whose page the answer leads."""
    run = Run.objects.get(job="undo_pipeline", status="queued")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    return run


@pytest.mark.slow
@pytest.mark.usefixtures("queue")
@pytest.mark.django_db(transaction=True)
def test_a_night_is_undone_from_its_page_and_then_its_date_is_freed(sign_in: SignIn, nights: list[Night]) -> None:
    """S2-18, S2-19, S2-22"""
    client = sign_in("operator")
    night = nights[1]
    address = f"{NIGHTS}{night.pk}/undo/"
    assert "Undo…" in text_of(client, f"{NIGHTS}{night.pk}/change/")
    asked = text_of(client, address)
    for words in ("Undo the night?", "1 adjudicated line", "1 before image", "$80.00", "Free its date as well"):
        assert words in asked, words
    assert night.complete
    run = started(client.post(address, {"sure": "1"}))
    assert run.parameters == {"run_date": "2024-01-16", "release": False}
    assert run.started_by is not None
    assert "Not started" in said(client.post(address, {"sure": "1"}))
    assert (finish(run).status, night.undone) == (RunStatus.COMPLETE, True)
    assert adjudicated_of(Run.objects.filter(chain=night.chain).latest("attempt")) == {}
    assert LogEntry.objects.filter(changes__has_key="outputs").get().actor is not None
    assert "Free the date of the night?" in text_of(client, address)
    run = finish(started(client.post(address, {"release": "on", "sure": "1"})))
    assert (run.status, run_report(run)["outcomes"]["released"]) == (RunStatus.COMPLETE, 1)
    assert not Night.objects.filter(pk=night.pk).exists()
    assert StagedBatch.objects.filter(run_date=None).count() == 1
    assert Night.objects.get(run_date=RUN_DATE).complete
