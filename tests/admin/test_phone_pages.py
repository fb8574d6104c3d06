"""What became of the rows of a sheet, and each patient before and after: filters, masks, audit, exports, outsiders."""

import csv
import io

import pytest
from auditlog.models import LogEntry
from django.test import Client
from openpyxl import load_workbook

from backoffice.access import MASKED
from tests.admin.conftest import SignIn, World, text_of
from tests.admin.phone_world import IDENTIFIER, NEW, OLD, PATIENT, SECRETS, Phones, make_phones, make_sync_run

ROWS, CHANGES = "/admin/regions/phonerow/", "/admin/regions/phoneupdate/"
QUALITY, START = f"{ROWS}quality/", f"{ROWS}start/"


@pytest.fixture
def phones(north: World) -> Phones:
    return make_phones(north.region)


@pytest.fixture
def others(south: World) -> Phones:
    return make_phones(south.region)


def pages_of(phones: Phones) -> list[str]:
    return [
        f"{ROWS}{phones.rows[0].pk}/change/",
        f"{CHANGES}{phones.update.pk}/change/",
        f"/admin/runs/run/{phones.run.pk}/change/",
        f"/admin/runs/failure/{phones.failure.pk}/change/",
    ]


def shown_rows(page: str) -> int:
    return page.count('data-label="Row"')


def exported(client: Client, address: str) -> list[dict[str, str]]:
    response = client.post(address, {"format": "csv"})
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]


@pytest.mark.slow
def test_rows_are_narrowed_by_outcome_reason_source_rule_and_number(sign_in: SignIn, phones: Phones) -> None:
    client = sign_in("operator")
    for query, number in (
        ("", 6),
        ("?outcome=invalid_phone", 2),
        ("?reason=digits lost", 1),
        ("?source=survey", 2),
        ("?rule=leading zero", 1),
        ("?rule=zero", 0),
        ("?notice=waiting", 0),
        (f"?run={phones.run.pk}", 6),
        ("?q=4", 1),
        ("?q=row 4", 1),
        ("?q=seven", 0),
        ("?q=99999999999999999999", 0),
    ):
        assert shown_rows(text_of(client, ROWS + query)) == number, query


def test_the_rows_of_one_run_stand_in_the_order_of_the_sheet(sign_in: SignIn, phones: Phones) -> None:
    response = sign_in("operator").get(f"{ROWS}?run={phones.run.pk}")
    assert [each["row"].row for each in response.context["rows"]] == [2, 3, 4, 5, 6, 7]
    assert [each["row"].row for each in sign_in("operator").get(ROWS).context["rows"]] == [7, 6, 5, 4, 3, 2]


def test_a_row_says_what_happened_why_and_what_to_do(sign_in: SignIn, phones: Phones) -> None:
    page = text_of(sign_in("operator"), f"{ROWS}{phones.rows[3].pk}/change/")
    assert "Correct the number in the sheet" in page
    assert "digits lost" in page
    assert "Format the column as text: the number was shown with an exponent." in page
    assert "No patient was changed for this row." in page
    changed = text_of(sign_in("operator"), f"{ROWS}{phones.rows[0].pk}/change/")
    assert OLD in changed
    assert NEW in changed


def test_a_change_shows_what_goes_what_comes_and_what_stays(sign_in: SignIn, phones: Phones) -> None:
    (one,) = sign_in("operator").get(f"{CHANGES}?run={phones.run.pk}").context["rows"]
    assert [(line.sign, line.text) for line in one["lines"]] == [
        ("removed", f"mobile phone {OLD}"),
        ("added", f"mobile phone {NEW}"),
        ("added", f"old phone {OLD}, until 2026-11-25"),
        ("kept", "email a@example.org"),
    ]
    assert one["row"].rules == "separators"


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_roles_without_patient_data_see_masks(sign_in: SignIn, phones: Phones, role: str) -> None:
    for address in [ROWS, CHANGES, *pages_of(phones)]:
        page = text_of(sign_in(role), address)
        assert not [secret for secret in (*SECRETS, NEW, "a@example.org") if secret in page], address
    for address in (ROWS, CHANGES):
        assert MASKED in text_of(sign_in(role), address)


def test_each_view_stands_in_the_audit_log_without_what_was_seen(sign_in: SignIn, phones: Phones) -> None:
    client = sign_in("operator")
    for address in (ROWS, CHANGES, *pages_of(phones)[:2]):
        text_of(client, address)
    seen = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk")
    assert [entry.content_type.model for entry in seen] == ["phonerow", "phoneupdate", "phonerow", "phoneupdate"]
    assert seen[0].additional_data["rows"] == [row.pk for row in phones.rows]
    assert {entry.additional_data["region"] for entry in seen} == {phones.region.pk}
    assert not [secret for secret in SECRETS for entry in seen if secret in str(entry.additional_data)]


@pytest.mark.slow
def test_rows_and_changes_are_exported_by_who_may_and_that_is_audited(sign_in: SignIn, phones: Phones) -> None:
    client = sign_in("finance")
    rows = exported(client, f"{ROWS}export/?outcome=invalid_phone")
    assert [(row["row"], row["reason"], row["source"]) for row in rows] == [
        ("6", "empty", "survey"),
        ("5", "digits lost", "front desk"),
    ]
    assert rows[0]["identifier"] == IDENTIFIER
    (change,) = exported(client, f"{CHANGES}export/")
    assert (change["patient_id"], change["number"], change["cleaned_by"]) == (PATIENT, NEW, "separators")
    assert change["added"] == f"mobile phone {NEW}\nold phone {OLD}, until 2026-11-25"
    entries = LogEntry.objects.filter(additional_data__export=True)
    assert [entry.additional_data["count"] for entry in entries.order_by("pk")] == [2, 1]
    book = client.post(f"{ROWS}export/", {"format": "xlsx"})
    sheet = load_workbook(io.BytesIO(b"".join(book.streaming_content)))["Nightward"]  # type: ignore[attr-defined]
    for close in book._resource_closers:  # type: ignore[attr-defined]  # the response's own close() would end the test's database as well
        close()
    assert sheet["D2"].value == IDENTIFIER  # as text: a number of so many digits would lose its end
    for role in ("viewer", "operator", "engineer"):
        for address in (f"{ROWS}export/", f"{CHANGES}export/"):
            assert sign_in(role).post(address, {"format": "csv"}).status_code == 403
        assert "Export all" not in text_of(sign_in(role), ROWS)


def test_the_run_leads_to_its_rows_and_changes_and_its_failures_to_their_rows(sign_in: SignIn, phones: Phones) -> None:
    page = text_of(sign_in("operator"), f"/admin/runs/run/{phones.run.pk}/change/")
    assert f'href="{ROWS}?run={phones.run.pk}&amp;outcome=invalid_phone">2</a>' in page
    assert f'href="{CHANGES}?run={phones.run.pk}">2 changes</a>' in page
    assert f"{ROWS}undo/{phones.run.pk}/" in page
    assert "6 told" in page
    failure = text_of(sign_in("operator"), f"/admin/runs/failure/{phones.failure.pk}/change/")
    assert f"{ROWS}?run={phones.run.pk}&amp;q=row%205" in failure
    listed = text_of(sign_in("operator"), "/admin/runs/run/?job=sync_phones")
    assert f'<a href="/admin/runs/failure/?run={phones.run.pk}">1</a>' in listed


def test_the_page_of_a_preview_leads_to_writing_the_same_rows(sign_in: SignIn, north: World) -> None:
    run = make_sync_run(north.region, parameters={"mode": "preview", "rows": "2:500"})
    page = text_of(sign_in("operator"), f"/admin/runs/run/{run.pk}/change/")
    assert f"{START}?region=north&amp;rows=2%3A500&amp;mode=write" in page
    assert "Undo…" not in page
    assert "Write these…" not in text_of(sign_in("finance"), f"/admin/runs/run/{run.pk}/change/")


# Outsiders


def test_nobody_sees_a_page_without_signing_in(phones: Phones, client: Client) -> None:
    for address in [ROWS, CHANGES, QUALITY, START, f"{ROWS}undo/{phones.run.pk}/", *pages_of(phones)]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/admin/login/")
    for address in (f"{ROWS}export/", f"{CHANGES}export/"):
        assert client.post(address)["Location"].startswith("/admin/login/")


def test_without_a_role_there_is_nothing(sign_in: SignIn, phones: Phones) -> None:
    client = sign_in(None)
    for address in [ROWS, CHANGES, QUALITY, START, f"{ROWS}undo/{phones.run.pk}/", *pages_of(phones)]:
        assert client.get(address).status_code == 403, address


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor"])
def test_another_regions_pages_are_not_there_and_its_rows_in_no_list(
    sign_in: SignIn, phones: Phones, others: Phones, role: str
) -> None:
    client = sign_in(role)
    for address in pages_of(others):
        assert client.get(address).status_code == 404, address
    for address in (ROWS, CHANGES, QUALITY, f"{ROWS}?run={others.run.pk}", f"{ROWS}?region=south"):
        page = text_of(client, address)
        assert "South" not in page, address
        assert f"/run/{others.run.pk}/" not in page, address
    if role in ("finance", "auditor"):
        assert {row["region"] for row in exported(client, f"{ROWS}export/")} == {"north"}
        assert exported(client, f"{CHANGES}export/?run={others.run.pk}") == []
