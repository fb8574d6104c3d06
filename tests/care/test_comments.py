"""What a check of coverage says of an appointment is shown at it (contract S3-05)."""

import pytest

from backoffice.access import MASKED
from clinic.booking.book import book
from clinic.care.models import AppointmentComment
from tests.booking.conftest import Portal, client_of, clinic, now, portal
from tests.booking.test_pages import signed_in, text_of
from tests.booking.world import FRONT_DESK, MONDAY, Clinic
from tests.care.test_eligibility_pages import unknown

__all__ = ["clinic", "now", "portal"]
pytestmark = pytest.mark.django_db
SAYS = "Insurance not confirmed: Okonkwo"


def test_who_may_see_patients_reads_it_on_the_page_and_over_the_api(clinic: Clinic, portal: Portal) -> None:
    """A portal's patient does not: it is for staff."""
    appointment, report = book(clinic.wish(MONDAY), FRONT_DESK), unknown(clinic.region)
    AppointmentComment.objects.create(region=clinic.region, appointment=appointment, report=report, text=SAYS)
    path, by = f"/api/v1/appointments/{appointment.pk}/", f"check_eligibility, run {report.run_id}"
    (comment,) = client_of(clinic).get(path).json()["comments"]
    assert (comment["text"], comment["by"], comment["at"][:10]) == (SAYS, by, "2026-03-01")
    viewer = client_of(clinic, role="viewer", verbs=["appointments:read"])
    assert [each["text"] for each in viewer.get(path).json()["comments"]] == [MASKED]
    assert portal().get(path).json()["comments"] == []
    page = f"booking/appointment/{appointment.pk}/change/"
    seen, masked = (text_of(signed_in(clinic, role), page) for role in ("operator", "viewer"))
    assert [SAYS in seen, by in seen, SAYS in masked, by in masked] == [True, True, False, True]
