"""A phone sync in a real browser: previewed, written, undone; on a laptop, on a phone and in the dark."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from backoffice.runs.models import Run
from backoffice.sandbox.fhir import SYSTEM, FhirServer
from regions.models import PhoneUpdate, Region, UndeliverablePhone
from regions.sync.undeliverable import report
from tests.admin.phone_world import OLD, PATIENT, Phones, make_phones
from tests.browser.conftest import REAL_PASSWORD, OpenPage
from tests.factories import UserFactory
from tests.fhir.world import ORDINARY, hospital_of, mobile, snapshot
from tests.sheets.world import write_xlsx
from tests.sync.world import FAST, HEADER, MIXED, NUMBERS, Place

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROWS, CHANGES = "/admin/regions/phonerow/", "/admin/regions/phoneupdate/"
TOKEN = "a-fhir-token"


@pytest.fixture
def place(region: Region, tmp_path: Path) -> Iterator[Place]:
    """The browser's region with a sheet and a FHIR server."""
    with FhirServer(hospital_of(), token=TOKEN) as server:
        sheet = write_xlsx(tmp_path / "phones.xlsx", [HEADER, *(row for row, _, _ in MIXED)])
        region.env_vars = {
            "FHIR_SERVER_URL": server.url, "FHIR_API_TOKEN": TOKEN, "FHIR_IDENTIFIER_SYSTEM": SYSTEM,
            "SPREADSHEET_ID": str(sheet), "WORKSHEET_ID": "Sheet1",
        }  # fmt: skip
        region.country, region.time_zone, region.pace = "ID", "Asia/Jakarta", FAST
        region.save()
        UserFactory.create(username="olga", role="operator", regions=[region], password=REAL_PASSWORD)
        yield Place(region=region, server=server, sheet=sheet, before=snapshot(server.store))


def ends(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Complete")).to_be_visible(timeout=60_000)


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_a_sync_is_previewed_written_and_undone(open_page: OpenPage, place: Place) -> None:
    watched = open_page()
    page = watched.sign_in("olga")
    page.get_by_role("link", name="Sync phones").click()
    page.get_by_label("From one row to another").check()
    page.get_by_label("First row").fill("2")
    page.get_by_label("Last row (included)").fill("13")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    ends(page)
    page.get_by_role("link", name="Before and after").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("tbody tr").first.get_by_text("mobile phone +6281234567801")).to_be_visible()
    assert snapshot(place.server.store) == place.before

    page.go_back()
    page.get_by_role("link", name="Write these…").click()
    expect(page.get_by_label("First row")).to_have_value("2")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("4 changes would be made")).to_be_visible()
    page.get_by_role("button", name="Start and write").click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    ends(page)
    assert mobile(place.carriers(ORDINARY[0])[0]) == NUMBERS[ORDINARY[0]]
    page.get_by_role("link", name="All rows").click()
    page.get_by_label("Outcome").select_option(label="Invalid phone")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody tr").first.get_by_role("link").first.click()
    expect(page.get_by_text("Correct the number in the sheet", exact=False)).to_be_visible()

    page = watched.go(f"/admin/runs/run/{Run.objects.latest('pk').pk}/change/")
    page.get_by_role("link", name="Undo…").click()
    expect(page.get_by_text("4 changes of 4 patients", exact=False)).to_be_visible()
    page.get_by_role("button", name="Undo the run").click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
    ends(page)
    for identifier in NUMBERS:
        for one in place.carriers(identifier):
            assert one["telecom"] == place.before[one["id"]].get("telecom", one["telecom"])
    assert PhoneUpdate.objects.filter(undoes__isnull=False, state="written").count() == 4


@pytest.fixture
def phones(place: Place) -> Phones:
    report(place.region, OLD, "unreachable", patient_id=PATIENT)
    return make_phones(place.region)


def _pages(phones: Phones) -> list[str]:
    return [
        ROWS, f"{ROWS}?run={phones.run.pk}", f"{ROWS}?q=99", f"{ROWS}{phones.rows[3].pk}/change/",
        f"{ROWS}{phones.rows[0].pk}/change/", CHANGES, f"{CHANGES}{phones.update.pk}/change/", f"{ROWS}start/",
        f"{ROWS}undo/{phones.run.pk}/", f"{ROWS}quality/", f"/admin/runs/run/{phones.run.pk}/change/",
        f"/admin/regions/region/{phones.region.pk}/versions/",
        "/admin/regions/undeliverablephone/", "/admin/regions/undeliverablephone/report/",
        f"/admin/regions/undeliverablephone/{UndeliverablePhone.objects.get().pk}/change/",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_pages_of_the_phones_fit_a_laptop_and_a_phone(open_page: OpenPage, phones: Phones, scheme: str) -> None:
    watched = open_page(color_scheme=scheme)
    watched.sign_in("olga")
    for path in _pages(phones):
        watched.fits(path)


@pytest.mark.slow
def test_a_sync_is_started_by_keyboard_and_without_scripts(open_page: OpenPage, phones: Phones) -> None:
    watched = open_page(java_script_enabled=False)
    watched.sign_in("olga")
    for path in _pages(phones):
        expect(watched.go(path).locator(".nw").first).to_be_visible()
    page = watched.go(f"{ROWS}start/")
    page.get_by_label("Preview: shows").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Write phone numbers to the patients of North?")).to_be_visible()
    page.get_by_role("button", name="Start and write").click()
    expect(page).to_have_url(re.compile(r"/admin/runs/run/\d+/change/"))
