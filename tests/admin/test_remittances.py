"""Remittances, the settings of the steps, and the reference tables in the admin."""

from hashlib import sha256
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from backoffice.runs.models import StepPart, StepState
from claims.models import Remittance, RemittanceDocument, StagedBatch, StepSetting
from claims.pipeline import documents, files
from tests.admin.claims_world import PROVIDER, ClaimsWorld, make_claims, write_remittance_file
from tests.admin.conftest import SignIn, World, said, text_of
from tests.claims.nights import make_run

REMITTANCES = "/admin/claims/remittance/"
SETTINGS = "/admin/claims/stepsetting/"
TABLES = [
    f"/admin/claims/{name}/"
    for name in (
        "night/tables",
        "provider",
        "procedurecode",
        "plan",
        "planbenefit",
        "fee",
        "contractterms",
        "remittancepayer",
    )
]  # fmt: skip


@pytest.fixture
def claims(north: World) -> Any:
    world = make_claims(north.region)
    write_remittance_file(world.night)
    yield world
    folder = storages["nights"]
    for name in folder.listdir("north/2026-03-02/remittance")[1]:
        folder.delete(f"north/2026-03-02/remittance/{name}")


def pages_of(world: ClaimsWorld) -> list[str]:
    return [f"{REMITTANCES}{world.remittance.pk}/change/", f"{REMITTANCES}{world.remittance.pk}/csv/"]


@pytest.mark.slow
def test_outsiders_see_nothing(sign_in: SignIn, client: Client, claims: ClaimsWorld, south: World) -> None:
    southern = make_claims(south.region)
    for address in [REMITTANCES, SETTINGS, *TABLES, *pages_of(claims)]:
        assert client.get(address).status_code == 302, address
        assert sign_in(None).get(address).status_code == 403, address
    finance = sign_in("finance")
    for address in pages_of(southern):
        assert finance.get(address).status_code == 404, address
    for address in [REMITTANCES, SETTINGS, *TABLES]:
        assert "south" not in text_of(finance, address).lower(), address


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor", "superuser"])
def test_each_role_sees_the_pages_of_its_regions(sign_in: SignIn, claims: ClaimsWorld, role: str) -> None:
    for address in [REMITTANCES, SETTINGS, *TABLES, pages_of(claims)[0]]:
        text_of(sign_in(role), address)


def test_a_remittance_has_its_header_and_its_own_lines_with_their_adjustments(
    sign_in: SignIn, claims: ClaimsWorld
) -> None:
    page = text_of(sign_in("viewer"), pages_of(claims)[0])
    for words in ("Clinic of north", "C-PAID", "CO-45", "$20.00", "PR-1", "PR-3", "$5.00", "$45.00", "$55.00"):
        assert words in page
    assert "PR-2" not in page
    assert "C-DENIED" not in page
    assert LogEntry.objects.get_for_object(claims.remittance).get().additional_data["region"] == claims.region.pk


def test_a_page_beyond_the_last_is_empty(sign_in: SignIn, claims: ClaimsWorld) -> None:
    assert "No line of it is on this page" in text_of(sign_in("viewer"), f"{pages_of(claims)[0]}?p=9")


def test_a_remittance_is_downloaded_by_who_may_export(sign_in: SignIn, claims: ClaimsWorld) -> None:
    response = sign_in("finance").get(pages_of(claims)[1])
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines == [
        "claim_id,line_number,billed,paid,group,reason,amount",
        "C-PAID,1,100.00,55.00,CO,45,20.00",
        "C-PAID,1,100.00,55.00,PR,1,20.00",
        "C-PAID,1,100.00,55.00,PR,3,5.00",
    ]
    for role in ("viewer", "operator", "engineer"):
        assert sign_in(role).get(pages_of(claims)[1]).status_code == 403


def test_remittances_are_found_by_night_and_provider(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("viewer")
    found = {f"night={claims.night.pk}": True, "night=999": False, f"q={PROVIDER}": True, "q=2": False}
    for query, seen in found.items():
        assert (pages_of(claims)[0] in text_of(client, f"{REMITTANCES}?{query}")) is seen, query


def test_amounts_of_a_night_that_has_begun_anew_are_marked(sign_in: SignIn, claims: ClaimsWorld) -> None:
    """They are those of before, until its last step has come to new ones."""
    addresses = (REMITTANCES, f"/admin/claims/night/{claims.night.pk}/change/")
    for address in addresses:
        assert "not final" not in text_of(sign_in("finance"), address)
    make_run(claims.region, claims.night.run_date, chain=claims.night.chain, attempt=2, status="failed")
    for address in addresses:
        page = text_of(sign_in("finance"), address)
        assert "$55.00" in page
        assert "not final" in page


def change(client: Client, setting: StepSetting, **form: object) -> Any:
    return client.post(
        f"{SETTINGS}{setting.pk}/change/", {"commit_frequency": 560, "rationale": "Fewer locks.", **form}
    )


def test_the_most_paid_comes_first_when_asked(sign_in: SignIn, claims: ClaimsWorld) -> None:
    Remittance.objects.create(night=claims.night, provider_npi="LITTLE", claims=1, lines=1, billed=90_000, paid=100)
    client = sign_in("viewer")
    for query, first in (
        ("", "LITTLE"),
        ("?order=paid", PROVIDER),
        ("?order=billed", "LITTLE"),
        ("?order=x", "LITTLE"),
    ):
        page = text_of(client, f"{REMITTANCES}{query}")
        places = sorted((page.index(f">{npi}<"), npi) for npi in ("LITTLE", PROVIDER))
        assert places[0][1] == first, query


def test_a_reference_table_names_the_region_and_the_money_as_other_pages_do(
    sign_in: SignIn, claims: ClaimsWorld
) -> None:
    page = text_of(sign_in("viewer"), "/admin/claims/plan/")
    for words in ("North", "$500.00", "$2,000.00", "Out-of-pocket maximum"):
        assert words in page
    text_of(sign_in("viewer"), "/admin/claims/plan/?o=2.3")


def test_the_settings_stand_beside_what_the_nights_say_of_them(
    sign_in: SignIn, claims: ClaimsWorld, south: World
) -> None:
    """S2-09"""
    page = text_of(sign_in("viewer"), SETTINGS)
    for words in ("PNCADJ", "2,000 lines a checkpoint", "Accumulators must be put back", "Nothing is measured yet"):
        assert words in page
    assert "Change…" not in page
    parts = StepPart.objects.filter(step__name="adjudicate")
    parts.update(checkpoint_number=1_400, commit_seconds=1_399 * 0.5, totals={"in": 2_800_000}, seconds=5_400)
    page = text_of(sign_in("engineer"), SETTINGS)
    for words in ("Change…", "In 1 night: 500 ms a checkpoint", "1,400", "11 min 40 s", "a night that restarts is"):
        assert words in page
    assert "When the window is full cannot be told" in page
    StagedBatch.objects.filter(region=claims.region).update(lines=2_800_000)
    StepState.objects.filter(name="adjudicate").update(restart_count=1)  # its parts' seconds count
    assert "The window is full at" in text_of(sign_in("engineer"), SETTINGS)
    assert "In 1 night" not in text_of(sign_in("engineer", regions=[south.region]), SETTINGS)


@pytest.fixture
def setting(north: World) -> StepSetting:
    return StepSetting.objects.get(step="adjudicate")


def test_an_engineer_sets_how_often_a_step_commits_and_why(sign_in: SignIn, setting: StepSetting) -> None:
    assert change(sign_in("engineer"), setting).status_code == 302
    setting.refresh_from_db()
    assert (setting.commit_frequency, setting.rationale) == (560, "Fewer locks.")
    changes = LogEntry.objects.get_for_object(setting).get().changes_dict
    assert changes["commit_frequency"] == ["2000", "560"]
    assert changes["rationale"][1] == "Fewer locks."


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"commit_frequency": 0}, "from 1 to 1,000,000"),
        ({"commit_frequency": 1_000_001}, "from 1 to 1,000,000"),
        ({"commit_frequency": "often"}, "Enter a whole number"),
        ({"rationale": " "}, "This field is required"),
    ],
)
def test_a_setting_without_a_number_or_a_reason_is_refused(
    sign_in: SignIn, setting: StepSetting, form: dict[str, object], words: str
) -> None:
    assert words in change(sign_in("engineer"), setting, **form).content.decode()
    setting.refresh_from_db()
    assert setting.commit_frequency == 2_000


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "auditor"])
def test_nobody_else_sets_it(sign_in: SignIn, setting: StepSetting, role: str) -> None:
    assert change(sign_in(role), setting).status_code == 403
    setting.refresh_from_db()
    assert setting.commit_frequency == 2_000


@pytest.mark.slow
@pytest.mark.parametrize("role", ["engineer", "superuser"])
def test_reference_tables_are_for_reading(sign_in: SignIn, claims: ClaimsWorld, role: str) -> None:
    client = sign_in(role)
    for address in TABLES[1:]:
        assert client.get(f"{address}add/").status_code == 403, address
        assert address in text_of(client, TABLES[0])
    assert "Clinic of north" in text_of(client, TABLES[1])


@pytest.fixture
def payment(claims: ClaimsWorld) -> Any:
    """The address of the remittance's 835, which holds somebody's name."""
    night, content = claims.night, b"ISA*...NM1*QC*1*ZAPATA~"
    name = files.save_bytes(content, night, documents.FOLDER, "1.835")
    found = RemittanceDocument.objects.create(
        region=night.region, run_date=night.run_date, provider_npi=PROVIDER, payer_id="60054", sender="OA",
        receiver="NIGHTWARD", usage="P", number=7, originator="1066033492", trace="000000007", name=name,
        sha256=sha256(content).hexdigest(), size=len(content), claims=1, lines=1, billed=10_000, paid=5_500,
    )  # fmt: skip
    yield f"{REMITTANCES}{claims.remittance.pk}/835/{found.pk}/"
    storages["nights"].delete(name)


@pytest.mark.parametrize("role", ["finance", "auditor"])
def test_who_exports_and_sees_patients_takes_the_835_and_that_is_logged(
    sign_in: SignIn, claims: ClaimsWorld, payment: str, role: str
) -> None:
    client = sign_in(role)
    assert payment in text_of(client, pages_of(claims)[0])
    answer = client.get(payment)
    assert (answer.status_code, answer.content) == (200, b"ISA*...NM1*QC*1*ZAPATA~")
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS, content_type__model="remittancedocument").count() == 1


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer"])
def test_nobody_else_takes_the_835(sign_in: SignIn, claims: ClaimsWorld, payment: str, role: str) -> None:
    client = sign_in(role)
    assert payment not in text_of(client, pages_of(claims)[0])
    assert client.get(payment).status_code == 403


def test_an_835_that_is_void_or_of_another_region_is_not_there(
    sign_in: SignIn, claims: ClaimsWorld, payment: str, south: World
) -> None:
    southern = make_claims(south.region)
    client = sign_in("finance")
    assert client.get(payment.replace(f"/{claims.remittance.pk}/", f"/{southern.remittance.pk}/")).status_code == 404
    RemittanceDocument.objects.update(voided_at=timezone.now())
    assert client.get(payment).status_code == 404
    assert payment not in text_of(client, pages_of(claims)[0])


def test_the_page_says_what_left_before_its_night_was_undone_and_what_takes_it_back(
    sign_in: SignIn, claims: ClaimsWorld, payment: str
) -> None:
    client = sign_in("finance")
    page = pages_of(claims)[0]
    assert "not handed out yet" in text_of(client, page)
    client.get(payment)
    assert "first handed out" in text_of(client, page)
    left = RemittanceDocument.objects.get()
    left.voided_at = timezone.now()
    left.save()
    assert "to be taken back by the next payment" in text_of(client, page)
    later = RemittanceDocument.objects.get()
    later.pk, later.trace, later.number, later.voided_at, later.carried = None, "000000009", 9, None, 1_050
    later.save()
    RemittanceDocument.objects.filter(pk=left.pk).update(reversed_in=later)
    shown = text_of(client, page)
    for words in ("taken back by payment 000000009", "takes back 000000007", "$10.50 more than it pays"):
        assert words in shown, words


def test_an_835_whose_file_is_gone_is_said_and_not_logged_as_taken(
    sign_in: SignIn, claims: ClaimsWorld, payment: str
) -> None:
    storages["nights"].delete(RemittanceDocument.objects.get().name)
    answer = sign_in("finance").get(payment)
    assert answer["Location"] == pages_of(claims)[0]
    assert "is not what was recorded" in said(answer)
    assert not LogEntry.objects.filter(content_type__model="remittancedocument").exists()
