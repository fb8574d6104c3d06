"""Every page on a phone, in the dark, by keyboard and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from backoffice.runs.models import Run
from clinic.models import MissingService, ServiceWrite
from regions.models import Region
from tests.browser.conftest import CONTRAST, REAL_PASSWORD, OpenPage
from tests.factories import SuperuserFactory
from tests.recovery.running import recover

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(region: Region, address: str) -> list[str]:
    """Every page of ours, with something on it."""
    recover(region, **{"from": "2026-03-01", "to": "2026-03-20", "window": 1})
    return list(_pages(Run.objects.latest("pk")))


def _pages(run: Run) -> Iterator[str]:
    worklist = "/admin/clinic/missingservice/"
    yield from (
        "/admin/",
        "/admin/runs/run/",
        f"/admin/runs/run/{run.pk}/change/",
        f"/admin/runs/failure/?run={run.pk}",
    )
    yield f"/admin/runs/failure/{run.failures.latest('pk').pk}/change/"
    yield from (
        worklist,
        f"{worklist}?status=closed",
        f"{worklist}?q=nothing",
        f"{worklist}groups/",
        f"{worklist}start/",
    )
    yield f"{worklist}{MissingService.objects.latest('pk').pk}/change/"
    yield from (
        "/admin/clinic/servicewrite/",
        "/admin/clinic/servicewrite/unknown/",
        "/admin/clinic/unsupportedservice/",
    )
    yield f"/admin/clinic/servicewrite/{ServiceWrite.objects.latest('pk').pk}/change/"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"viewport": {"width": 390, "height": 844}}, pytest.param({"color_scheme": "dark"}, marks=pytest.mark.slow)],
    ids=["on a phone", "in the dark"],
)
def test_no_page_is_wider_than_the_screen(open_page: OpenPage, pages: list[str], options: dict[str, object]) -> None:
    watched = open_page(**options)
    watched.enter("fiona")
    for path in pages:
        page = watched.go(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert page.title().strip().endswith("Nightward"), path


@pytest.mark.slow
def test_no_column_of_a_list_is_cut_on_a_laptop(open_page: OpenPage, pages: list[str]) -> None:
    watched = open_page()
    watched.enter("fiona")
    for path in pages:
        page = watched.go(path)
        over = page.evaluate(
            "[...document.querySelectorAll('.nw-scroll')].map((box) => box.scrollWidth - box.clientWidth)"
        )
        assert max(over, default=0) <= 0, path


@pytest.mark.slow
def test_no_column_of_the_worklist_is_cut_on_a_laptop(open_page: OpenPage, pages: list[str]) -> None:
    long_ids = {"appointment_id": "A-a216bd-0001234567", "patient_id": "P-a216bd-0007654321"}
    MissingService.objects.filter(pk=MissingService.objects.latest("pk").pk).update(**long_ids, status="open")
    watched = open_page()
    watched.enter("fiona")
    page = watched.go("/admin/clinic/missingservice/?q=A-a216bd-0001234567")
    assert page.locator(".nw-scroll").evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    for title in ("Days left", "Assignee"):
        expect(page.get_by_role("columnheader", name=title)).to_be_in_viewport(ratio=1)
    patient = page.get_by_title("P-a216bd-0007654321")
    expect(patient).to_have_text("P-a216bd-0007654321")  # for who copies it
    middle = patient.locator("span")
    assert middle.evaluate("part => getComputedStyle(part).fontSize") == "0px"
    page.set_viewport_size({"width": 390, "height": 844})
    assert middle.evaluate("part => getComputedStyle(part).fontSize") != "0px"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_every_text_has_enough_contrast(open_page: OpenPage, pages: list[str], scheme: str) -> None:
    watched = open_page(color_scheme=scheme)
    watched.enter("fiona")
    for path in pages:
        assert watched.go(path).evaluate(CONTRAST) == [], path


@pytest.mark.slow
def test_the_worklist_is_worked_by_keyboard_alone(open_page: OpenPage, pages: list[str]) -> None:
    watched = open_page()
    watched.enter("fiona")
    page = watched.go("/admin/clinic/missingservice/")
    button = page.get_by_role("button", name="Assign to me")
    expect(button).to_be_disabled()
    page.locator("tbody input[name=row]").first.focus()
    page.keyboard.press("Space")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 row is yours now.")).to_be_visible()


@pytest.mark.slow
def test_signing_out_and_the_menu_are_reached_by_keyboard(open_page: OpenPage, region: Region) -> None:
    watched = open_page()
    page = watched.sign_in("fiona")
    opener = page.locator("#nav-sidebar [role=button]").filter(has_text="fiona")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Logged out", exact=False).first).to_be_visible()


def test_pages_work_without_scripts(open_page: OpenPage, pages: list[str]) -> None:
    watched = open_page(java_script_enabled=False)
    watched.enter("fiona")
    for path in pages:
        expect(watched.go(path).locator(".nw").first).to_be_visible()
    page = watched.go("/admin/clinic/missingservice/")
    page.locator("tbody input[name=row]").first.check()
    page.get_by_role("button", name="Assign to me").click()
    expect(page.get_by_text("1 row is yours now.")).to_be_visible()
    page.get_by_label("Assignee").select_option(label="Me")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.slow
def test_a_user_fits_a_laptop_and_the_menu_shows_where_one_is(open_page: OpenPage, region: Region) -> None:
    sue = SuperuserFactory.create(username="sue", password=REAL_PASSWORD)
    watched = open_page(viewport={"width": 1280, "height": 800})
    watched.enter("sue")
    page = watched.go(f"/admin/auth/user/{sue.pk}/change/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    expect(page.locator("#nav-sidebar").get_by_role("link", name="Users")).to_be_in_viewport(ratio=1)
    dashboard = watched.go("/admin/").locator("#nav-sidebar").get_by_role("link", name="Dashboard")
    expect(dashboard).to_be_in_viewport(ratio=1)


@pytest.mark.slow
def test_the_pages_of_colleagues_and_of_django_rq_stand_in_the_same_frame(open_page: OpenPage, region: Region) -> None:
    SuperuserFactory.create(username="sue", password=REAL_PASSWORD)
    watched = open_page()
    watched.enter("sue")
    for path in (
        "/admin/queues/",
        "/admin/queues/queues/0/",
        "/admin/regions/region/",
        "/admin/auditlog/logentry/",
        "/admin/auth/user/",
    ):
        page = watched.go(path)
        expect(page.locator("#nav-sidebar")).to_be_visible()
