"""Patient data in the admin: masked for roles without it, and every view in the audit log."""

import pytest
from auditlog.models import LogEntry

from backoffice.access import MASKED
from tests.admin.conftest import WORKLIST, SignIn, World, text_of


def addresses(world: World) -> list[str]:
    return [
        WORKLIST,
        f"{WORKLIST}{world.row.pk}/change/",
        f"/admin/clinic/servicewrite/{world.write.pk}/change/",
    ]


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_roles_without_patient_data_see_it_masked(sign_in: SignIn, north: World, role: str) -> None:
    for address in addresses(north):
        page = text_of(sign_in(role), address)
        assert "PATIENT-77" not in page
        assert "Mr Example" not in page
        assert MASKED in page


@pytest.mark.parametrize("role", ["finance", "operator", "auditor"])
def test_roles_with_patient_data_see_it(sign_in: SignIn, north: World, role: str) -> None:
    for address in addresses(north):
        assert "PATIENT-77" in text_of(sign_in(role), address)


def test_a_masked_note_cannot_be_written_over(sign_in: SignIn, north: World) -> None:
    response = sign_in("engineer").post(f"{WORKLIST}{north.row.pk}/change/", {"note": "gone"})
    assert response.status_code == 403
    north.row.refresh_from_db()
    assert north.row.note == "ask Mr Example"


def test_the_reason_of_a_dismissal_is_masked_as_the_note_is(sign_in: SignIn, north: World) -> None:
    north.row.status, north.row.dismissed_reason = "dismissed", "Mrs Sample pays herself"
    north.row.save()
    assert "Mrs Sample" in text_of(sign_in("finance"), f"{WORKLIST}{north.row.pk}/change/")
    assert "Mrs Sample" not in text_of(sign_in("viewer"), f"{WORKLIST}{north.row.pk}/change/")


def test_each_view_of_the_list_and_of_a_row_is_in_the_audit_log(sign_in: SignIn, north: World) -> None:
    client = sign_in("finance")
    text_of(client, WORKLIST)
    (listed,) = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
    assert listed.additional_data["rows"] == [north.row.pk]
    assert listed.additional_data["masked"] is False
    text_of(client, f"{WORKLIST}{north.row.pk}/change/")
    seen = LogEntry.objects.filter(action=LogEntry.Action.ACCESS, object_pk=str(north.row.pk)).get()
    assert seen.actor is not None
    assert "PATIENT-77" not in str(seen.additional_data)


def test_a_changed_note_is_in_the_audit_log_without_its_text(sign_in: SignIn, north: World) -> None:
    sign_in("finance").post(f"{WORKLIST}{north.row.pk}/change/", {"note": "called Mr Example again"})
    north.row.refresh_from_db()
    assert north.row.note == "called Mr Example again"
    changed = LogEntry.objects.get_for_object(north.row).get()
    assert "note" in changed.changes
    assert "Example" not in str(changed.changes)
