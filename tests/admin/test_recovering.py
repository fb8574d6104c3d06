"""Recovering from the worklist and from a group: asked once more, with region, rows and money, before it writes."""

import re
from decimal import Decimal

import pytest

from backoffice.runs.models import Run
from tests.admin.conftest import ACT, WORKLIST, SignIn, World, make_row, said, text_of

GROUPS = f"{WORKLIST}groups/"
RECOVER = f"{GROUPS}recover/"


def hidden(page: str) -> dict[str, list[str]]:
    """What the question's own button sends."""
    (form,) = re.findall(r'<form method="post" action="[^"]*" class="nw-card">.*?</form>', page, re.DOTALL)
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        fields.setdefault(name, []).append(value)
    return fields


def test_one_click_alone_recovers_nothing(sign_in: SignIn, north: World) -> None:
    before = Run.objects.count()
    client = sign_in()
    client.post(ACT, {"action": "recover", "row": north.row.pk})
    client.post(RECOVER, {"region": "north", "blocked_by": "cost_center:D1"})
    assert Run.objects.count() == before


@pytest.mark.usefixtures("queue")
def test_the_question_names_regions_rows_and_money_and_its_answer_starts_the_runs(
    sign_in: SignIn, north: World, south: World
) -> None:
    more = make_row(north.run, appointment_id="what", at_stake=None)
    client = sign_in("finance", regions=[north.region, south.region])
    rows = [north.row.pk, more.pk, south.row.pk]
    page = client.post(f"{ACT}?category=master_data", {"action": "recover", "row": rows}).content.decode()
    assert "Write into the billing of North and South?" in page
    assert "<strong>2 rows, $1,250.00 at stake</strong> and 1 of unknown value" in page
    assert "<strong>1 row, $1,250.00 at stake</strong>" in page
    assert f'action="{ACT}?category=master_data"' in page
    assert f'href="{WORKLIST}?category=master_data">Cancel' in page
    before = Run.objects.count()
    client.post(ACT, hidden(page))
    assert Run.objects.count() == before + 2


@pytest.mark.usefixtures("queue")
def test_from_a_rows_page_the_question_leads_back_to_it(sign_in: SignIn, north: World) -> None:
    body = {"action": "recover", "row": north.row.pk, "from_row": north.row.pk}
    page = sign_in().post(ACT, body).content.decode()
    assert f'href="{WORKLIST}{north.row.pk}/change/">Cancel' in page


@pytest.mark.usefixtures("queue")
def test_a_group_is_recovered_after_its_question(sign_in: SignIn, north: World) -> None:
    make_row(north.run, appointment_id="same", at_stake=Decimal("50.00"))
    client = sign_in()
    page = client.post(RECOVER, {"region": "north", "blocked_by": "cost_center:D1"}).content.decode()
    assert "Write into the billing of North?" in page
    assert "No active cost center for department D1" in page
    assert "<strong>2 rows, $1,300.00 at stake</strong>" in page
    client.post(RECOVER, hidden(page))
    assert Run.objects.latest("pk").parameters["only"] == {"blocked_by": "cost_center:D1"}


def test_a_group_that_is_gone_is_said(sign_in: SignIn, north: World) -> None:
    body = {"region": "north", "blocked_by": "cost_center:gone"}
    assert said(sign_in().post(RECOVER, body)) == "No open row waits for this record any more."


def test_a_group_of_another_region_is_not_there(sign_in: SignIn, south: World) -> None:
    body = {"region": "south", "blocked_by": "cost_center:D1", "sure": "1"}
    assert sign_in().post(RECOVER, body).status_code == 404
    assert sign_in("viewer").post(RECOVER, body).status_code == 403


def test_groups_come_to_a_total_of_each_region_and_of_all(sign_in: SignIn, north: World, south: World) -> None:
    make_row(north.run, appointment_id="same", at_stake=Decimal("50.00"))
    make_row(north.run, appointment_id="other", blocked_by="physician:D1", at_stake=None)
    both = text_of(sign_in("finance", regions=[north.region, south.region]), GROUPS)
    assert "<strong>4 rows, $2,550.00 at stake</strong> and 1 of unknown value, in 2 regions together." in both
    one = text_of(sign_in(), GROUPS)
    assert "together." not in one
    foot = one[one.index("<tfoot>") : one.index("</tfoot>")]
    assert "<span>3</span>" in foot
    assert "$1,300.00<small>and 1 unknown</small>" in foot
    assert "<span>unknown</span>" in one  # of the group that nobody knows the value of


def test_a_visit_that_two_blocks_hold_up_is_counted_once(sign_in: SignIn, north: World) -> None:
    north.row.delete()
    both = "B1:retired_block;B2:unknown_block"
    make_row(north.run, appointment_id="two", category="service_block", reasons=both, blocked_by="block:B2")
    make_row(
        north.run, appointment_id="one", category="service_block", reasons="B1:retired_block", blocked_by="block:B1"
    )
    page = text_of(sign_in(), GROUPS)
    foot = page[page.index("<tfoot>") : page.index("</tfoot>")]
    assert "<span>2</span>" in foot
    assert "$2,500.00" in foot


def test_a_block_says_why_it_cannot_be_billed(sign_in: SignIn, north: World) -> None:
    for number, reason in enumerate(("retired_block", "case_type_not_allowed")):
        make_row(
            north.run, appointment_id=f"b-{number}", reasons=f"B0:unknown_block;B1:{reason}", blocked_by="block:B1"
        )
    page = text_of(sign_in(), GROUPS)
    assert "Service block B1 cannot be billed: it is not allowed for the type of case, or it is retired" in page
    assert "no such block" not in page
