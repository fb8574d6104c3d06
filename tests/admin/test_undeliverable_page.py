"""The worklist of undeliverable numbers: reported by form, masked, dismissed with a reason, audited, by region."""

import pytest
from auditlog.models import LogEntry
from django.test import Client

from backoffice.access import MASKED
from regions.models import UndeliverablePhone
from regions.sync.undeliverable import report
from tests.admin.conftest import SignIn, World, said, text_of

LIST = "/admin/regions/undeliverablephone/"
REPORT = f"{LIST}report/"
NUMBER = "+6281234567801"


@pytest.fixture
def row(north: World) -> UndeliverablePhone:
    north.region.country = "ID"
    north.region.save()
    return report(north.region, NUMBER, "unreachable", patient_id="pat-4711")


def page(row: UndeliverablePhone) -> str:
    return f"{LIST}{row.pk}/change/"


def test_a_number_is_reported_by_form_and_stands_in_no_address(sign_in: SignIn, north: World) -> None:
    north.region.country = "ID"
    north.region.save()
    body = {"region": north.region.pk, "number": "0812 3456 7801", "reason": "wrong_person", "patient_id": ""}
    response = sign_in("operator").post(REPORT, body)
    row = UndeliverablePhone.objects.get()
    assert response["Location"] == page(row)
    assert (row.phone["number"], row.reason) == (NUMBER, "wrong_person")
    assert LogEntry.objects.get_for_object(row).get().changes == {"reports": ["", "1"]}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"number": "12"}, "This is no phone number"),
        ({"reason": ""}, "This field is required"),
        ({"patient_id": "a/b"}, "Letters, digits, points and hyphens"),
    ],
)
def test_what_cannot_be_is_said(sign_in: SignIn, north: World, changes: dict[str, str], says: str) -> None:
    body = {"region": north.region.pk, "number": NUMBER, "reason": "refused", "patient_id": "", **changes}
    assert says in sign_in("operator").post(REPORT, body).content.decode()
    assert not UndeliverablePhone.objects.exists()


def test_it_is_dismissed_with_a_reason_and_reopened_and_both_are_audited(
    sign_in: SignIn, row: UndeliverablePhone
) -> None:
    client = sign_in("operator")
    assert "This field is required" in client.post(page(row), {"dismiss": "1", "reason": ""}).content.decode()
    client.post(page(row), {"dismiss": "1", "reason": "Mr Example rang from it"})
    row.refresh_from_db()
    assert row.resolution == "dismissed"
    assert "Mr Example rang from it" in text_of(client, page(row))
    assert "Mr Example" not in text_of(sign_in("viewer"), page(row))
    assert NUMBER not in text_of(client, LIST)
    assert NUMBER in text_of(client, f"{LIST}?resolution=dismissed")
    assert said(client.post(page(row), {"reopen": "1"})) == "It is open again."
    changes = [entry.changes for entry in LogEntry.objects.get_for_object(row).order_by("pk") if entry.changes]
    assert [change["resolution"] for change in changes] == [["open", "dismissed"], ["dismissed", "open"]]
    assert "Example" not in str(changes)


def test_roles_without_patient_data_see_masks_and_each_view_is_audited(
    sign_in: SignIn, row: UndeliverablePhone
) -> None:
    for address in (LIST, page(row)):
        shown = text_of(sign_in("engineer"), address)
        assert MASKED in shown
        assert NUMBER not in shown
        assert "pat-4711" not in shown
        assert NUMBER in text_of(sign_in("operator"), address)
    seen = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
    assert [entry.additional_data["masked"] for entry in seen.order_by("pk")] == [True, False, True, False]
    assert NUMBER not in str([entry.additional_data for entry in seen])


@pytest.mark.slow
def test_outsiders(sign_in: SignIn, row: UndeliverablePhone, client: Client, south: World) -> None:
    for address in (LIST, REPORT, page(row)):
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    theirs = report(south.region, "+13125550123", "refused")
    assert sign_in("operator").get(page(theirs)).status_code == 404
    assert sign_in("operator").post(page(theirs), {"dismiss": "1", "reason": "x"}).status_code == 404
    assert "South" not in text_of(sign_in("operator"), LIST)
    body = {"region": south.region.pk, "number": NUMBER, "reason": "refused"}
    assert "Select a valid choice" in sign_in("operator").post(REPORT, body).content.decode()
    for role in ("viewer", "engineer", "auditor"):
        assert sign_in(role).get(REPORT).status_code == 403
        assert sign_in(role).post(page(row), {"dismiss": "1", "reason": "x"}).status_code == 403
        assert "Report a number" not in text_of(sign_in(role), LIST)
