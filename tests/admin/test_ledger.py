"""The accumulator ledger: the id in no address, masked where it has to be, every view in the audit log, the replay."""

import logging
from decimal import Decimal

import pytest
from auditlog.models import LogEntry
from django.test import Client

from backoffice.access import MASKED
from backoffice.runs.models import Run, StepPart, StepState
from claims.ledger import holder, ledger
from claims.models import Accumulator, AdjudicatedClaim, BeforeImage, Restoration
from tests.admin.claims_world import AFTER, MEMBER, ClaimsWorld, make_claims
from tests.admin.conftest import SignIn, World, text_of

LEDGER = "/admin/claims/night/ledger/"


@pytest.fixture
def claims(north: World) -> ClaimsWorld:
    return make_claims(north.region)


def search(client: Client, world: ClaimsWorld, member: str = MEMBER) -> str:
    response = client.post(LEDGER, {"region": world.region.pk, "member_id": member})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return response.content.decode()


def test_outsiders_see_nothing(sign_in: SignIn, client: Client, claims: ClaimsWorld, south: World) -> None:
    southern = make_claims(south.region)
    assert client.get(LEDGER).status_code == client.post(LEDGER).status_code == 302
    assert sign_in(None).post(LEDGER, {"region": claims.region.pk, "member_id": MEMBER}).status_code == 403
    page = search(sign_in("finance"), southern)
    assert "Select a valid choice" in page
    assert "C-PAID" not in page
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


def test_it_shows_opening_every_change_and_closing(sign_in: SignIn, claims: ClaimsWorld) -> None:
    page = search(sign_in("finance"), claims)
    for words in ("Opening", "$10.00", "C-PAID line 1", "2026-02-01", "+$20.00", "+$25.00", "$30.00", "$40.00"):
        assert words in page
    assert "OFFICE 1" in page
    assert "replay agrees" in page


def test_roles_without_patient_data_see_it_masked(sign_in: SignIn, claims: ClaimsWorld) -> None:
    for role in ("viewer", "engineer"):
        page = search(sign_in(role), claims)
        for hidden in (MEMBER, "C-PAID", "2026-02-01"):
            assert hidden not in page
        assert MASKED in page
        assert "$40.00" in page


def test_every_view_is_in_the_audit_log_without_the_id(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("finance")
    search(client, claims)
    row = Accumulator.objects.get()
    entry = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).get()
    assert (entry.object_pk, entry.additional_data["region"]) == (str(row.pk), claims.region.pk)
    search(client, claims, "NOBODY-1")
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS).count() == 2
    assert all(word not in str(list(LogEntry.objects.values())) for word in (MEMBER, "NOBODY-1"))


def test_the_id_stands_in_no_address_and_no_log(
    sign_in: SignIn, claims: ClaimsWorld, caplog: pytest.LogCaptureFixture
) -> None:
    client = sign_in("finance")
    with caplog.at_level(logging.DEBUG):
        assert f"?member_id={MEMBER}" not in search(client, claims)
    assert MEMBER not in text_of(client, f"{LEDGER}?member_id={MEMBER}")
    assert all(MEMBER not in record.getMessage() for record in caplog.records if record.name != "django.db.backends")


def test_a_member_without_accumulators_is_said_to_have_none(sign_in: SignIn, claims: ClaimsWorld) -> None:
    assert "has no accumulators of this member" in search(sign_in("finance"), claims, "NOBODY-1")


def test_another_regions_member_of_the_same_id_is_another_member(claims: ClaimsWorld, south: World) -> None:
    make_claims(south.region)
    (year,) = ledger(claims.region, MEMBER)
    assert len(year.changes) == 1
    assert year.proved


def test_a_change_that_no_line_explains_is_not_proved(claims: ClaimsWorld) -> None:
    Accumulator.objects.update(fields='{"deductible_met":1}')
    assert not ledger(claims.region, MEMBER)[0].proved


def clash_of(world: ClaimsWorld) -> str:
    return f"/admin/claims/night/{world.night.pk}/clashes/"


def test_what_others_have_changed_is_in_the_ledger_with_both_figures(sign_in: SignIn, claims: ClaimsWorld) -> None:
    Accumulator.objects.update(fields='{"deductible_met":100,"out_of_pocket_met":4000,"visits:OFFICE":1}')
    page = search(sign_in("finance"), claims)
    for words in ("changed by others 1 time", "since the night of 2026-03-02", "was $30.00", "$1.00"):
        assert words in page
    assert "replay does not agree" not in page


def test_the_changes_of_others_are_listed_for_a_night(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("finance")
    assert "none was changed since" in text_of(client, clash_of(claims))
    Accumulator.objects.update(fields='{"deductible_met":100}')
    page = text_of(client, clash_of(claims))
    for words in ("1 accumulator.", MEMBER, "since this night", "was $30.00", "$1.00", "was OFFICE 1"):
        assert words in page
    entry = LogEntry.objects.get_for_object(claims.night).latest("pk")
    assert (entry.additional_data["clashes"], entry.additional_data["region"]) == (1, claims.region.pk)
    masked = text_of(sign_in("engineer"), clash_of(claims))
    assert MEMBER not in masked
    assert MASKED in masked


def test_a_night_in_work_is_not_compared(sign_in: SignIn, claims: ClaimsWorld) -> None:
    StepState.objects.filter(name="adjudicate").update(status="running")
    Accumulator.objects.update(fields='{"deductible_met":100}')
    page = text_of(sign_in("finance"), clash_of(claims))
    assert "Look again when that step is complete" in page
    assert MEMBER not in page


def test_another_regions_changes_are_not_there(
    sign_in: SignIn, client: Client, claims: ClaimsWorld, south: World
) -> None:
    southern = make_claims(south.region)
    assert client.get(clash_of(claims)).status_code == 302
    assert sign_in(None).get(clash_of(claims)).status_code == 403
    assert sign_in("finance").get(clash_of(southern)).status_code == 404


def test_the_night_says_what_restarts_have_put_back(sign_in: SignIn, claims: ClaimsWorld) -> None:
    """S2-17"""
    address = f"/admin/claims/night/{claims.night.pk}/change/"
    assert "No restart has had to put any back" in text_of(sign_in("viewer"), address)
    Restoration.objects.create(night=claims.night, partition=1, checkpoint=3, images=412, members=1, seconds=0.25)
    page = text_of(sign_in("viewer"), address)
    assert "part 2 to checkpoint 3, 412 images of 1 member&#x27;s year in 250 ms" in page.replace("'", "&#x27;")


def test_changes_run_through_checkpoints_in_order(claims: ClaimsWorld) -> None:
    row, image = AdjudicatedClaim.objects.get(), BeforeImage.objects.get()
    row.pk, row.line_number = row.pk + 1, 2
    row.save(force_insert=True)
    final = '{"deductible_met":5000,"out_of_pocket_met":6500,"visits:OFFICE":2}'
    image.pk, image.checkpoint_number, image.before, image.after = image.pk + 1, 2, AFTER, final
    image.first = image.last = row.pk
    image.save(force_insert=True)
    Accumulator.objects.update(fields=final)
    (year,) = ledger(claims.region, MEMBER)
    assert [change.after.deductible for change in year.changes] == [Decimal(30), Decimal(50)]
    assert (year.opening.deductible, year.closing.out_of_pocket, year.proved) == (Decimal(10), Decimal(65), True)


@pytest.mark.parametrize(
    ("status", "part", "held"),
    [
        ("complete", {}, False),
        ("running", {}, True),
        ("failed", {}, True),
        ("pending", {"checkpoint_number": 0}, True),
        ("pending", {"checkpoint_number": 3}, True),
        ("pending", {"checkpoint_number": 0, "undo": True}, True),
    ],
)
def test_a_night_holds_the_accumulators_from_its_step_until_that_is_complete(
    sign_in: SignIn, claims: ClaimsWorld, status: str, part: dict[str, int], held: bool
) -> None:
    StepState.objects.filter(name="adjudicate").update(status=status)
    StepPart.objects.filter(step__name="adjudicate").update(**part)
    Run.objects.filter(pk=claims.run.pk).update(status="stopped")
    assert (holder(claims.region) == claims.night) is held
    assert ("is adjudicating" in search(sign_in("finance"), claims)) is held


def test_a_night_without_before_images_has_changed_no_accumulators(sign_in: SignIn, claims: ClaimsWorld) -> None:
    StepState.objects.filter(name="adjudicate").update(status="pending")
    StepPart.objects.filter(step__name="adjudicate").update(checkpoint_number=0)
    BeforeImage.objects.all().delete()
    assert holder(claims.region) is None
    assert "is adjudicating" not in search(sign_in("finance"), claims)
