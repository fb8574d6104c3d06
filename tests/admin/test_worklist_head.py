"""What the worklist says above its rows, the reasons it offers, and how long ids are told apart."""

import re
from decimal import Decimal

import pytest

from tests.admin.conftest import WORKLIST, SignIn, World, make_row, text_of


def offered(page: str) -> list[str]:
    """The values of the filter by reason, but "all"."""
    (choices,) = re.findall(r'<select id="nw-fault".*?</select>', page, re.DOTALL)
    return re.findall(r'<option value="([^"]*)"', choices)[1:]


def test_number_money_and_order_stand_above_the_rows(sign_in: SignIn, north: World, south: World) -> None:
    make_row(north.run, appointment_id="cents", at_stake=Decimal("0.10"), category="validation", reasons="CASE_CLOSED")
    make_row(north.run, appointment_id="what", at_stake=None)
    client = sign_in("viewer")
    page = text_of(client, WORKLIST)
    assert "<strong>3 rows, $1,250.10 at stake</strong> and 1 of unknown value." in page
    assert page.index("Sorted by money") < page.index("<tbody>")
    assert "<strong>1 row, $0.10 at stake</strong>." in text_of(client, f"{WORKLIST}?category=validation")


def test_a_list_of_several_pages_is_added_up_as_a_whole(sign_in: SignIn, north: World, south: World) -> None:
    for number in range(60):
        make_row(north.run, appointment_id=f"cent-{number}", at_stake=Decimal("0.10") if number % 2 else None)
    page = text_of(sign_in("finance", regions=[north.region, south.region]), f"{WORKLIST}?p=2")
    assert "<strong>62 rows, $2,503.00 at stake</strong> and 30 of unknown value." in page


def test_a_list_that_is_too_long_to_count_is_not_added_up(
    sign_in: SignIn, north: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_row(north.run, appointment_id="second")
    monkeypatch.setattr("backoffice.lists.COUNT_LIMIT", 1)
    page = text_of(sign_in(), WORKLIST)
    assert "<strong>More than 1 rows</strong>, too many to add up here" in page
    assert "at stake</strong>" not in page


def test_reasons_are_offered_that_the_users_rows_of_the_category_have(
    sign_in: SignIn, north: World, south: World
) -> None:
    make_row(north.run, appointment_id="two", category="service_block", reasons="B1:retired_block;B2:unknown_block")
    make_row(north.run, appointment_id="one", category="service_block", reasons="B3:retired_block")
    make_row(north.run, appointment_id="gone", category="validation", reasons="CASE_CLOSED", status="closed")
    make_row(south.run, appointment_id="far", category="validation", reasons="OUR_OWN_CODE")
    client = sign_in()
    assert offered(text_of(client, WORKLIST)) == ["no_cost_center", "retired_block", "retired_block;unknown_block"]
    assert offered(text_of(client, f"{WORKLIST}?category=service_block")) == [
        "retired_block", "retired_block;unknown_block",
    ]  # fmt: skip
    assert offered(text_of(client, f"{WORKLIST}?status=closed")) == ["CASE_CLOSED"]


def test_a_reason_of_an_address_stays_chosen_and_is_all_that_is_listed(sign_in: SignIn, north: World) -> None:
    make_row(north.run, appointment_id="other", category="service_block", reasons="B3:retired_block")
    page = text_of(sign_in(), f"{WORKLIST}?status=todo&category=service_block&fault=retired_block")
    assert '<option value="retired_block" selected>Retired block</option>' in page
    assert "<strong>1 row," in page
    gone = text_of(sign_in(), f"{WORKLIST}?fault=case_type_not_allowed")
    assert '<option value="case_type_not_allowed" selected>' in gone
    assert "No row matches" in gone


def test_of_a_very_long_list_the_known_reasons_are_offered(
    sign_in: SignIn, north: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.lists.COUNT_LIMIT", 1)
    for number in range(3):
        make_row(north.run, appointment_id=f"many-{number}", category="validation", reasons="OUR_OWN_CODE")
    assert offered(text_of(sign_in(), f"{WORKLIST}?category=validation")) == [
        "CASE_CLOSED", "OUR_OWN_CODE", "VALIDATION_FAILED",
    ]  # fmt: skip
    assert "no_cost_center" in offered(text_of(sign_in(), WORKLIST))


def test_a_long_id_shows_its_end_and_says_all_of_it(sign_in: SignIn, north: World) -> None:
    make_row(north.run, appointment_id="A-a216bd-000123", patient_id="<P>-a216bd-000777")
    page = text_of(sign_in(), WORKLIST)
    assert '<span class="nw-id" title="A-a216bd-000123">A-a2<span>16b</span>d-000123</span>' in page
    assert "&lt;P&gt;" in page
