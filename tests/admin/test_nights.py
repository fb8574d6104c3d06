"""Nights in the admin: who sees them, what the page shows while live and after, and the ways to go on."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from backoffice.runs.models import Failure, Run, StepPart, StepState
from claims.admin.start import tonight
from claims.models import StagedBatch
from claims.pipeline import validate
from claims.pipeline.restage import batch_for_rejects
from claims.window import run_date_at, window_of
from tests.admin.claims_world import ClaimsWorld, make_claims
from tests.admin.conftest import SignIn, World, said, text_of
from tests.claims.nights import make_night

NIGHTS = "/admin/claims/night/"
START = "/admin/claims/night/start/"


@pytest.fixture
def claims(north: World) -> ClaimsWorld:
    return make_claims(north.region)


@pytest.fixture
def southern(south: World) -> ClaimsWorld:
    return make_claims(south.region)


def pages_of(world: ClaimsWorld) -> list[str]:
    return [f"{NIGHTS}{world.night.pk}/change/", f"{NIGHTS}{world.night.pk}/live/"]


def restart_of(world: ClaimsWorld) -> str:
    return f"{NIGHTS}{world.night.pk}/restart/"


def test_nobody_sees_a_night_without_signing_in(claims: ClaimsWorld, client: Client) -> None:
    for address in [NIGHTS, START, restart_of(claims), *pages_of(claims)]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor", "superuser"])
def test_each_role_sees_the_nights_of_its_regions(sign_in: SignIn, claims: ClaimsWorld, role: str) -> None:
    for address in [NIGHTS, *pages_of(claims)]:
        text_of(sign_in(role), address)


def test_without_a_role_there_is_nothing(sign_in: SignIn, claims: ClaimsWorld) -> None:
    for address in [NIGHTS, START, restart_of(claims), *pages_of(claims)]:
        assert sign_in(None).get(address).status_code == 403, address


def test_another_regions_night_is_not_there(sign_in: SignIn, southern: ClaimsWorld) -> None:
    client = sign_in("operator")
    for address in [restart_of(southern), *pages_of(southern)]:
        assert client.get(address).status_code == 404, address
    assert client.post(restart_of(southern), {"step": "remit", "sure": "1"}).status_code == 404
    assert "South" not in text_of(client, NIGHTS)


def test_the_page_has_the_timeline_and_the_control_rows(sign_in: SignIn, claims: ClaimsWorld) -> None:
    page = text_of(sign_in("viewer"), pages_of(claims)[0])
    for words in ("PNCADJ", "abababab", "$3.00", "before 04:00", "nw-timeline-deadline", "nw-good", "no restarts"):
        assert words in page
    assert f"/admin/runs/run/{claims.run.pk}/change/" in page
    assert "Restart…" not in page


def test_a_control_row_says_which_predecessor_was_restarted_and_how_often(sign_in: SignIn, claims: ClaimsWorld) -> None:
    """S2-13"""
    StepState.objects.filter(name="price").update(predecessors={"extract": 0, "validate": 2, "enrich": 0})
    StepState.objects.filter(name="validate").update(restart_count=2)
    page = text_of(sign_in("viewer"), pages_of(claims)[0])
    assert "validate 2 restarts" in page
    assert "validate has 2 restarts by now: it begins anew on a restart" in page


def live_night(world: World) -> int:
    now = timezone.now()
    run_date = run_date_at(now, world.region.zone)
    begins = min(now, window_of(run_date, world.region.zone).opens)
    night = make_night(world.region, run_date, begins=begins, upto="price", status="running", started_at=now)
    StepPart.objects.filter(run__chain=night.chain).update(heartbeat_at=now)
    return night.pk


def test_a_live_night_renews_itself_and_shows_what_is_to_come(sign_in: SignIn, north: World) -> None:
    client = sign_in("operator")
    page = text_of(client, f"{NIGHTS}{live_night(north)}/change/")
    for words in ("data-run-live", "nw-expected", "50 %, forecast until", "Forecast end"):
        assert words in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "Restart…" not in page


def test_the_live_part_is_not_sent_again_while_it_is_the_same(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("viewer")
    first = client.get(pages_of(claims)[1])
    assert "no-store" in first["Cache-Control"]
    assert client.get(pages_of(claims)[1], headers={"If-None-Match": first["ETag"]}).status_code == 304
    StepState.objects.filter(name="price").update(restart_count=2)
    assert client.get(pages_of(claims)[1], headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.fixture
def broken(north: World) -> ClaimsWorld:
    world = make_claims(north.region)
    Run.objects.filter(pk=world.run.pk).update(status="failed", reason="configuration", detail="No terms.")
    StepState.objects.filter(name__in=("price", "adjudicate", "remit")).update(status="pending", outputs={})
    StepState.objects.filter(name__in=("adjudicate", "remit")).update(started_at=None)
    StepPart.objects.filter(step__name__in=("price", "adjudicate", "remit")).update(status="pending", totals={})
    return world


def test_a_failed_night_offers_each_way_with_its_end(sign_in: SignIn, broken: ClaimsWorld) -> None:
    client = sign_in("operator")
    assert "Restart…" in text_of(client, pages_of(broken)[0])
    page = text_of(client, restart_of(broken))
    for words in ("Resume after the last checkpoint", "From price, from scratch", "From extract", "after 04:00"):
        assert words in page
    assert "From adjudicate" not in page
    assert f"{NIGHTS}{broken.night.pk}/undo/" in page


@pytest.mark.usefixtures("queue")
def test_a_restart_asks_first_and_then_goes_on_from_that_step(sign_in: SignIn, broken: ClaimsWorld) -> None:
    client = sign_in("operator")
    asked = client.post(restart_of(broken), {"step": "enrich"}).content.decode()
    assert "Run enrich and everything after it again?" in asked
    assert "<strong>enrich</strong>, as chosen" in asked
    assert "<strong>price</strong>: enrich will have 1 restart, it had 0 when this step began" in asked
    assert "<strong>adjudicate" not in asked
    assert Run.objects.filter(chain=broken.night.chain).count() == 1
    back = client.post(restart_of(broken), {"step": "enrich", "back": "1"}).content.decode()
    assert "How to go on" in back
    response = client.post(restart_of(broken), {"step": "enrich", "sure": "1"})
    again = Run.objects.filter(chain=broken.night.chain).latest("attempt")
    assert response["Location"] == f"/admin/runs/run/{again.pk}/change/"
    assert again.attempt == 2
    assert StepPart.objects.get(step__chain=again.chain, step__name="enrich").undo


def test_resuming_says_which_predecessor_was_restarted_since_and_how_often(
    sign_in: SignIn, broken: ClaimsWorld
) -> None:
    """S2-13"""
    client = sign_in("operator")
    assert "Nothing: what was committed stays" in client.post(restart_of(broken), {"step": "resume"}).content.decode()
    StepState.objects.filter(name="validate").update(restart_count=3)
    asked = client.post(restart_of(broken), {"step": "resume"}).content.decode()
    assert "<strong>enrich</strong>: validate will have 3 restarts, it had 0 when this step began" in asked
    assert "validate will have 3 restarts, it had 0 when this step began; enrich will have 1 restart" in asked


@pytest.mark.usefixtures("queue")
def test_resuming_undoes_nothing(sign_in: SignIn, broken: ClaimsWorld) -> None:
    sign_in("operator").post(restart_of(broken), {"step": "resume", "sure": "1"})
    assert Run.objects.filter(chain=broken.night.chain).count() == 2
    assert not StepPart.objects.filter(undo=True).exists()


def test_it_says_which_rejects_no_longer_wait_when_the_night_decides_anew(sign_in: SignIn, broken: ClaimsWorld) -> None:
    batch = batch_for_rejects(broken.night)
    StagedBatch.objects.filter(pk=batch.pk).update(lines=2)
    client = sign_in("operator")
    assert "2 lines of its rejects" in client.post(restart_of(broken), {"step": "validate"}).content.decode()
    assert "of its rejects" not in client.post(restart_of(broken), {"step": "price"}).content.decode()


def test_rejects_that_were_staged_again_are_withdrawn_with_the_decisions(broken: ClaimsWorld) -> None:
    waiting = batch_for_rejects(broken.night)
    loaded = StagedBatch.objects.create(region=broken.region, source=waiting.source, lines=2)
    validate.reset(StepPart.objects.get(step__name="validate"))
    left = set(StagedBatch.objects.values_list("pk", flat=True))
    assert loaded.pk in left
    assert waiting.pk not in left
    assert not Failure.objects.filter(category="rejected").exists()


@pytest.mark.parametrize("role", ["viewer", "finance", "auditor"])
def test_who_may_not_start_any_job_may_not_restart_or_start_a_night(
    sign_in: SignIn, broken: ClaimsWorld, role: str
) -> None:
    client = sign_in(role)
    assert client.get(restart_of(broken)).status_code == 403
    assert client.post(restart_of(broken), {"step": "resume", "sure": "1"}).status_code == 403
    assert client.get(START).status_code == 403
    assert "Restart…" not in text_of(client, pages_of(broken)[0])


@pytest.mark.parametrize("step", ["", "remit", "nonsense"])
def test_what_is_no_choice_is_asked_for_again(sign_in: SignIn, broken: ClaimsWorld, step: str) -> None:
    assert "How to go on" in sign_in("operator").post(restart_of(broken), {"step": step, "sure": "1"}).content.decode()


@pytest.mark.usefixtures("queue")
def test_a_night_is_started_from_its_page(sign_in: SignIn, north: World) -> None:
    StagedBatch.objects.create(region=north.region, source="a test", lines=1_234)
    client = sign_in("operator")
    page = text_of(client, START)
    assert "1,234" in page
    assert "manage.py load_claims DIR" in page
    form = {"region": north.region.pk, "run_date": "2026-03-02", "partitions": 2}
    response = client.post(START, form)
    run = Run.objects.latest("pk")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    assert (run.key, run.parameters["partitions"]) == ("north:2026-03-02", 2)


def test_lines_that_wait_for_a_later_night_are_told_apart_from_tonights(sign_in: SignIn, north: World) -> None:
    for lines, not_before in ((1_234, None), (777, date(2199, 1, 1))):
        StagedBatch.objects.create(region=north.region, source="a test", lines=lines, not_before=not_before)
    StagedBatch.objects.create(region=north.region, source="a test", lines=8_765, run_date=tonight(north.region))
    page = text_of(sign_in("operator"), START)
    assert "1,234" in page
    assert "and 777 for later nights" in page
    assert "8,765" not in page


@pytest.mark.usefixtures("queue")
def test_a_night_that_cannot_be_is_said(sign_in: SignIn, north: World, south: World) -> None:
    client = sign_in("operator")
    form = {"region": north.region.pk, "run_date": "2026-03-02", "partitions": 1}
    assert "No claims are staged" in said(client.post(START, form))
    assert "less than or equal to 64" in client.post(START, {**form, "partitions": 65}).content.decode()
    assert "Select a valid choice" in client.post(START, {**form, "region": south.region.pk}).content.decode()


def test_the_list_says_whether_a_night_was_in_time(sign_in: SignIn, claims: ClaimsWorld) -> None:
    page = text_of(sign_in("viewer"), NIGHTS)
    assert "2026-03-02" in page
    assert "before 04:00" in page
    StepState.objects.filter(name="remit").update(ended_at=timezone.now() + timedelta(days=1))
    assert "after 04:00" in text_of(sign_in("viewer"), NIGHTS)
