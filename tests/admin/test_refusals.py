"""What is not there, not allowed or not known is said in the site's frame, and plainly to who is not signed in."""

import pytest
from django.test import Client, RequestFactory

from backoffice.rest.answers import server_error
from tests.admin.conftest import WORKLIST, SignIn, World, text_of


@pytest.mark.parametrize("address", ["/admin/nonsense/", "/nonsense/", f"{WORKLIST}999999/change/"])
def test_what_is_not_there_is_said_in_the_frame(sign_in: SignIn, address: str) -> None:
    response = sign_in().get(address)
    assert response.status_code == 404
    page = response.content.decode()
    assert "There is nothing at this address" in page
    assert "<span>Missing services</span>" in page
    assert "nonsense" not in page


def test_what_a_role_does_not_allow_is_said_in_the_frame(sign_in: SignIn) -> None:
    response = sign_in("viewer").get(f"{WORKLIST}start/")
    assert response.status_code == 403
    assert "Your role does not allow this" in response.content.decode()
    assert "<span>Missing services</span>" in response.content.decode()


@pytest.mark.django_db
def test_an_outsider_sees_a_plain_page() -> None:
    response = Client().get("/nonsense/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()
    assert "nonsense" not in response.content.decode()
    assert "nav-sidebar" not in response.content.decode()


def test_a_fault_of_ours_is_said_without_data() -> None:
    page = server_error(RequestFactory().get("/admin/")).content.decode()
    assert "Something went wrong" in page
    assert "X-Correlation-ID" in page


@pytest.mark.django_db
def test_the_icon_that_browsers_ask_for_is_the_static_one(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"] == "/static/backoffice/favicon.svg"


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        (f"{WORKLIST}?status=bogus", "Status “bogus” is not among the choices"),
        ("/admin/runs/run/?job=bogus", "Job “bogus” is not among the choices"),
        ("/admin/clinic/servicewrite/?state=bogus", "State “bogus” is not among the choices"),
    ],
)
def test_a_value_that_no_filter_knows_is_named(sign_in: SignIn, north: World, address: str, hint: str) -> None:
    page = text_of(sign_in(), address)
    assert hint in page
    assert '<option value="bogus" selected>bogus</option>' in page
    assert "is not among the choices" not in text_of(sign_in(), address.partition("?")[0])
