"""A morning of finance in a real browser: start a run, watch it, open a failure, dismiss it, export."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backoffice.runs.models import Run
from backoffice.sandbox.hospital import Hospital
from clinic.models import MissingService
from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_a_run_is_started_watched_and_its_failure_dismissed_and_exported(
    open_page: OpenPage, hospital: Hospital, tmp_path: Path
) -> None:
    hospital.latency_ms = 20  # slow enough to be watched
    watched = open_page(accept_downloads=True)
    page = watched.sign_in("fiona")

    page.get_by_role("link", name="Start recovery").click()
    page.get_by_label("From one day to another").check()
    page.get_by_label("From (included)").fill("2026-03-01")
    page.get_by_label("To (not included)").fill("2026-04-01")
    page.get_by_label("Write the missing services").check()
    page.get_by_label("Window (days)").fill("1")
    page.get_by_label("Chunk (appointments)").fill("2")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Write into the billing of North?")).to_be_visible()
    page.get_by_role("button", name="Start and write").click()

    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    # Without reloading: what this mark stands on would be gone.
    page.evaluate("window.notReloaded = true")
    expect(page.get_by_text("window ", exact=False).filter(has_text=" of 31").first).to_be_visible()
    passed = page.locator("[data-since]").first
    expect(passed).to_have_text(re.compile(r"^\d+ s$"))
    expect(passed).not_to_have_text(passed.inner_text())  # it ticks
    expect(page.get_by_role("status").filter(has_text="Complete")).to_be_visible(timeout=60_000)
    assert page.evaluate("window.notReloaded") is True
    run = Run.objects.get()
    assert run.status == "complete"
    assert run.started_by is not None
    assert run.started_by.username == "fiona"

    page.get_by_role("link", name="All", exact=False).filter(has_text="failures").click()
    expect(page).to_have_url(re.compile(r"/admin/runs/failure/"))  # the page before has a table as well
    page.locator("tbody tr").first.get_by_role("link").first.click()
    page.get_by_role("link", name="Open it in the worklist").click()
    expect(page).to_have_url(re.compile(r"/admin/clinic/missingservice/"))
    page.locator("tbody tr").first.get_by_role("link").first.click()
    page.get_by_role("button", name="Dismiss…").click()
    page.get_by_label("Reason (required)").fill("Billed by another system")
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_text("1 row dismissed.")).to_be_visible()
    dismissed = MissingService.objects.get(status="dismissed")
    assert dismissed.dismissed_reason == "Billed by another system"

    page.get_by_role("link", name="Missing services").first.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    rows = list(csv.DictReader((tmp_path / "rows.csv").read_text().splitlines()))
    assert len(rows) == MissingService.objects.filter(status="open").count() > 0
    assert dismissed.appointment_id not in {row["appointment_id"] for row in rows}


@pytest.mark.usefixtures("worker")
@pytest.mark.slow
def test_a_run_is_stopped_and_restarted_from_its_page(open_page: OpenPage, hospital: Hospital) -> None:
    hospital.latency_ms = 50
    watched = open_page()
    page = watched.sign_in("fiona")
    page.get_by_role("link", name="Start recovery").click()
    page.get_by_label("From one day to another").check()
    page.get_by_label("From (included)").fill("2026-03-01")
    page.get_by_label("To (not included)").fill("2026-04-01")
    page.get_by_label("Window (days)").fill("1")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Restart")).to_be_visible()
    page.get_by_role("button", name="Restart").click()
    expect(page.get_by_role("status").filter(has_text="Complete")).to_be_visible(timeout=60_000)
    assert Run.objects.count() == 2
