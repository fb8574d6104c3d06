"""The worklist in the admin: what it shows and in which order, its filters, and what its buttons do."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from auditlog.models import LogEntry
from django.utils import timezone
from openpyxl import load_workbook

from backoffice.runs.models import Resolution, Run
from clinic.models import MissingService
from tests.admin.conftest import ACT, WORKLIST, SignIn, World, make_row, said, text_of


def test_rows_show_money_dates_in_the_regions_zone_and_what_is_left(sign_in: SignIn, south: World) -> None:
    page = text_of(sign_in("finance", regions=[south.region]), WORKLIST)
    local = south.row.start.astimezone(south.region.zone)
    assert f"{local:%Y-%m-%d %H:%M} WIB" in page
    assert "$1,250.00" in page
    assert "no cost center" in page
    assert "1 row<" in page.replace("\n", "").replace("  ", "")


def test_rows_are_sorted_by_money_times_urgency_over_all_regions(sign_in: SignIn, north: World, south: World) -> None:
    for world, priority in ((north, 5), (south, 9), (north, 7), (south, 3)):
        make_row(world.run, appointment_id=f"at-{priority}", priority=Decimal(priority))
    MissingService.objects.filter(pk__in=[north.row.pk, south.row.pk]).delete()
    page = text_of(sign_in("finance", regions=[north.region, south.region]), WORKLIST)
    places = [page.index(f">at-{priority}<") for priority in (9, 7, 5, 3)]
    assert places == sorted(places)


def test_only_open_rows_are_listed_until_other_ones_are_asked_for(sign_in: SignIn, north: World) -> None:
    for status in ("found", "dismissed", "closed"):
        make_row(north.run, appointment_id=f"is-{status}", status=status)
    client = sign_in()
    assert "is-" not in text_of(client, WORKLIST)
    assert "is-found" in text_of(client, f"{WORKLIST}?status=todo")
    everything = text_of(client, f"{WORKLIST}?status=all")
    for status in ("found", "dismissed", "closed"):
        assert f"is-{status}" in everything
        assert f"is-{status}" in text_of(client, f"{WORKLIST}?status={status}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("category=validation", {"other"}),
        ("department=D2", {"other"}),
        ("fault=retired_block", {"other"}),
        ("blocked_by=cost_center:D1", {"A-0", "late", "soon"}),
        ("due=late", {"late"}),
        ("due=soon", {"soon"}),
        ("q=other", {"other"}),
        ("q=oth", set()),
        ("category=nonsense", set()),
        ("run=nonsense", set()),
        ("region=south", set()),
    ],
)
def test_filters_and_the_search_by_appointment(
    sign_in: SignIn, north: World, south: World, query: str, found: set[str]
) -> None:
    today = timezone.now().date()
    make_row(
        north.run, appointment_id="other", category="validation", department_id="D2", blocked_by="",
        reasons="B7:retired_block;B8:retired_block",
    )  # fmt: skip
    make_row(north.run, appointment_id="late", filing_deadline=today - timedelta(days=3))
    make_row(north.run, appointment_id="soon", filing_deadline=today + timedelta(days=60))
    page = text_of(sign_in(), f"{WORKLIST}?{query}")
    names = {"A-0", "other", "late", "soon"}
    assert {name for name in names if f'/change/">{name}</a>' in page} == found


def test_days_left_warn_at_80_percent_and_say_when_it_is_too_late(sign_in: SignIn, north: World) -> None:
    today = timezone.now().astimezone(north.region.zone).date()
    make_row(north.run, appointment_id="soon", filing_deadline=today + timedelta(days=73))
    make_row(north.run, appointment_id="calm", filing_deadline=today + timedelta(days=74))
    make_row(north.run, appointment_id="late", filing_deadline=today - timedelta(days=1))
    page = text_of(sign_in(), WORKLIST)
    assert '<span class="nw-pill nw-warn">73</span>' in page
    assert "<span >74</span>" in page
    assert '<span class="nw-pill nw-late">1 late</span>' in page


def test_an_empty_list_says_the_next_step(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    north.row.status = "found"
    north.row.save()
    assert "previews have found rows" in text_of(client, WORKLIST)
    MissingService.objects.all().delete()
    assert "Start a recovery" in text_of(client, WORKLIST)
    assert "No row matches" in text_of(client, f"{WORKLIST}?category=lookup")


def test_the_list_is_counted_no_further_than_it_is_paged(
    sign_in: SignIn, north: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.lists.COUNT_LIMIT", 100)
    for number in range(120):
        make_row(north.run, appointment_id=f"many-{number:03}", priority=Decimal(number))
    client = sign_in()
    assert "More than 100 rows" in text_of(client, WORKLIST)
    assert "page 2 of 2" in text_of(client, f"{WORKLIST}?p=2")
    assert "page 2 of 2" in text_of(client, f"{WORKLIST}?p=99")


def test_dismissing_asks_for_a_reason_first(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    asked = client.post(ACT, {"action": "dismiss", "row": north.row.pk})
    assert "Dismiss 1 missing service?" in asked.content.decode()
    empty = client.post(ACT, {"action": "dismiss", "row": north.row.pk, "sure": "1", "reason": " "})
    assert "This field is required" in empty.content.decode()
    past = client.post(
        ACT, {"action": "dismiss", "row": north.row.pk, "sure": "1", "reason": "x", "until": "2020-01-01"}
    )
    assert "in the future" in past.content.decode()
    north.row.refresh_from_db()
    assert north.row.status == "open"


def test_a_dismissal_takes_a_reason_and_an_expiry_and_can_be_taken_back(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    until = timezone.now().date() + timedelta(days=30)
    sure = {"action": "dismiss", "row": north.row.pk, "sure": "1", "reason": "not billable", "until": until.isoformat()}
    assert said(client.post(f"{ACT}?category=master_data", sure)) == "1 row dismissed."
    north.row.refresh_from_db()
    north.failure.refresh_from_db()
    assert (north.row.status, north.row.dismissed_reason, north.row.dismissed_until) == (
        "dismissed",
        "not billable",
        until,
    )
    assert north.failure.resolution == Resolution.DISMISSED
    assert f"Dismissed until {until}" in text_of(client, f"{WORKLIST}{north.row.pk}/change/")
    assert said(client.post(ACT, {"action": "reopen", "row": north.row.pk})) == "1 row reopened."
    north.row.refresh_from_db()
    assert north.row.status == "open"


def test_a_row_is_assigned_to_who_says_so(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    client.post(ACT, {"action": "assign", "row": north.row.pk})
    north.row.refresh_from_db()
    assert north.row.assignee is not None
    assert f'/change/">{north.row.appointment_id}</a>' in text_of(
        client, f"{WORKLIST}?assignee={north.row.assignee_id}"
    )


def test_a_row_with_a_long_number_is_ticked_like_any_other(sign_in: SignIn, north: World) -> None:
    MissingService.objects.filter(pk=north.row.pk).update(id=1_234_567)
    client = sign_in()
    (offered,) = re.findall(r'name="row" value="([^"]*)"', text_of(client, WORKLIST))
    assert said(client.post(ACT, {"action": "assign", "row": offered})) == "1 row is yours now."


def test_a_ticked_row_that_is_not_there_exports_nothing_instead_of_the_whole_list(
    sign_in: SignIn, north: World
) -> None:
    for unknown in ("999999", "1,234"):
        response = sign_in("finance").post(ACT, {"action": "export_csv", "row": unknown})
        assert len(response.getvalue().decode().splitlines()) == 1


@pytest.mark.parametrize("action", ["assign", "dismiss", "reopen", "recover"])
def test_roles_that_only_read_are_refused_each_button(sign_in: SignIn, north: World, action: str) -> None:
    for role in ("viewer", "auditor"):
        assert sign_in(role).post(ACT, {"action": action, "row": north.row.pk}).status_code == 403


@pytest.mark.parametrize("action", ["assign", "dismiss", "reopen", "recover"])
def test_rows_of_another_region_are_not_there_for_a_button(sign_in: SignIn, south: World, action: str) -> None:
    response = sign_in("operator").post(ACT, {"action": action, "row": south.row.pk, "sure": "1", "reason": "x"})
    assert "No row was selected" in said(response)
    south.row.refresh_from_db()
    assert (south.row.status, south.row.assignee) == ("open", None)


@pytest.mark.usefixtures("queue")
def test_recover_now_starts_a_run_over_just_these_rows(sign_in: SignIn, north: World) -> None:
    response = sign_in().post(ACT, {"action": "recover", "row": north.row.pk, "sure": "1"})
    run = Run.objects.latest("pk")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    assert run.parameters["only"] == {"rows": [north.row.pk]}


@pytest.mark.usefixtures("queue")
def test_rows_of_two_regions_are_recovered_by_a_run_each(sign_in: SignIn, north: World, south: World) -> None:
    client = sign_in("finance", regions=[north.region, south.region])
    response = client.post(ACT, {"action": "recover", "row": [north.row.pk, south.row.pk], "sure": "1"})
    assert said(response) == "2 runs started, one for each region."


@pytest.mark.usefixtures("queue")
def test_a_second_run_of_the_region_is_refused_in_words(sign_in: SignIn, north: World) -> None:
    client = sign_in()
    sure = {"action": "recover", "row": north.row.pk, "sure": "1"}
    client.post(ACT, sure)
    assert "already" in said(client.post(ACT, sure))


def test_the_whole_list_is_exported_as_csv_and_audited(sign_in: SignIn, north: World) -> None:
    make_row(north.run, appointment_id="hidden", category="validation")
    response = sign_in("auditor").post(f"{ACT}?category=master_data", {"action": "export_csv"})
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert [row["appointment_id"] for row in rows] == [north.row.appointment_id]
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert entry.additional_data["export"] == "csv"
    assert entry.additional_data["rows"] == [north.row.pk]
    assert entry.actor is not None


def test_the_selection_is_exported_as_xlsx(sign_in: SignIn, north: World) -> None:
    other = make_row(north.run, appointment_id="other")
    response = sign_in("finance").post(ACT, {"action": "export_xlsx", "row": other.pk})
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    assert sheet is not None
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(values) == 2
    assert "other" in values[1]


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer"])
def test_roles_without_export_are_refused(sign_in: SignIn, north: World, role: str) -> None:
    assert sign_in(role).post(ACT, {"action": "export_csv", "row": north.row.pk}).status_code == 403
    assert not LogEntry.objects.filter(additional_data__export="csv").exists()


def test_the_page_of_a_row_tells_its_history(sign_in: SignIn, north: World) -> None:
    north.write.appointment_id = north.row.appointment_id
    north.write.save()
    page = text_of(sign_in(), f"{WORKLIST}{north.row.pk}/change/")
    assert f"Write {north.write.pk}" in page
    assert f"Failure {north.failure.pk}" in page
    assert "Put the master record right" in page
    assert "$1,250.00 net at 100 % collected" in page.replace("<strong>", "").replace("(", "")
