"""A night of claims in a real browser: loaded, started, watched, its rejects resolved, its ledger searched, restarted;
by mouse and keyboard, on a laptop and a phone, with and without scripts."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backoffice.runs.models import Failure, Run, StepPart, StepState
from claims.models import Restoration
from regions.models import Region
from tests.admin.claims_world import MEMBER, ClaimsWorld, make_claims
from tests.browser.conftest import REAL_PASSWORD, OpenPage
from tests.claims.folders import line, small_world, write_folder
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NIGHTS = "/admin/claims/night/"


@pytest.fixture
def operator(region: Region) -> str:
    return str(UserFactory.create(username="olga", role="operator", regions=[region], password=REAL_PASSWORD).username)


@pytest.fixture
def failed(region: Region) -> ClaimsWorld:
    """A night with a row on every page, which stopped before its step 5."""
    world = make_claims(region)
    Run.objects.filter(pk=world.run.pk).update(status="failed", reason="configuration", detail="No terms.")
    StepState.objects.filter(name__in=("price", "adjudicate", "remit")).update(status="pending", outputs={})
    StepState.objects.filter(name__in=("adjudicate", "remit")).update(started_at=None)
    StepPart.objects.filter(step__name__in=("price", "adjudicate", "remit")).update(status="pending", totals={})
    Restoration.objects.create(night=world.night, partition=0, checkpoint=3, images=412, members=400, seconds=0.25)
    return world


def resolve(page: Page, button: str, reason: str) -> None:
    """Tick the first claim by keyboard, and answer the question."""
    page.locator("tbody input[name=row]").first.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name=f"{button}…").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Reason (required)").fill(reason)
    page.keyboard.press("Enter")


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_a_night_is_loaded_started_watched_and_its_reject_resolved(
    open_page: OpenPage, operator: str, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, small_world(claim_lines=[line(), line("C2", member_id="")]))
    watched = open_page()
    page = watched.sign_in(operator)
    page.get_by_role("link", name="Staged claims").click()
    page.get_by_role("link", name="Load claims…").click()
    page.get_by_label("Files").set_input_files(sorted(folder.glob("*.csv")))
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_text("2 lines staged as batch", exact=False)).to_be_visible()

    page.get_by_role("link", name="Start a night").click()
    page.get_by_label("Run date").fill("2024-01-15")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    watched.go(NIGHTS).locator("tbody tr").get_by_role("link", name="2024-01-15").click()
    expect(page.get_by_role("status").filter(has_text="Complete")).to_be_visible(timeout=60_000)

    page.get_by_role("link", name="1 rejected").click()
    expect(page.locator("tbody").get_by_text("no member id", exact=False)).to_be_visible()
    resolve(page, "Dismiss", "withdrawn")
    expect(page.get_by_text("1 claim dismissed.")).to_be_visible()
    resolve(page, "Reopen", "a mistake")
    expect(page.get_by_text("1 claim reopened.")).to_be_visible()
    assert Failure.objects.get().resolution == "open"


def _pages(world: ClaimsWorld) -> list[str]:
    night = f"{NIGHTS}{world.night.pk}/"
    return [
        NIGHTS, f"{night}change/", f"{night}restart/", f"{night}clashes/", f"{NIGHTS}start/", f"{NIGHTS}batches/",
        f"{NIGHTS}batches/load/", f"{NIGHTS}rejects/", f"{NIGHTS}rejects/?q=nothing", f"{NIGHTS}ledger/",
        f"{NIGHTS}tables/", "/admin/claims/stepsetting/", "/admin/claims/remittance/", "/admin/lab/",
        f"/admin/claims/remittance/{world.remittance.pk}/change/",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_pages_of_the_nights_fit_a_laptop_and_a_phone(
    open_page: OpenPage, operator: str, failed: ClaimsWorld
) -> None:
    watched = open_page()
    watched.enter(operator)
    for path in _pages(failed):
        watched.fits(path)


@pytest.mark.slow
def test_a_failed_night_is_restarted_by_keyboard_and_without_scripts(
    open_page: OpenPage, operator: str, failed: ClaimsWorld
) -> None:
    watched = open_page(java_script_enabled=False)
    watched.enter(operator)
    for path in _pages(failed):
        expect(watched.go(path).locator(".nw").first).to_be_visible()
    page = watched.go(f"{NIGHTS}ledger/")
    page.get_by_label("Member id").fill(MEMBER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"2026, member {MEMBER}")).to_be_visible()
    expect(page.get_by_text("Opening")).to_be_visible()
    assert MEMBER not in page.url

    page = watched.go(f"{NIGHTS}{failed.night.pk}/change/")
    page.get_by_role("link", name="Restart…").click()
    page.get_by_label("Resume after the last checkpoint").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("From price, from scratch")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Run price and everything after it again?")).to_be_visible()
    page.get_by_role("button", name="Choose again").click()
    page.get_by_label("Resume after the last checkpoint").check()
    page.get_by_role("button", name="Go on…").click()
    page.get_by_role("button", name="Restart", exact=True).click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    assert Run.objects.latest("pk").attempt == 2
