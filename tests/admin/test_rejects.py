"""The worklist of rejected claims: filters, dismissal, reopening, staging once more, export."""

import re
from decimal import Decimal

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from backoffice.access import MASKED
from backoffice.runs.models import Failure, Run
from claims.models import AdjudicatedClaim, StagedBatch, StagedLine
from claims.pipeline.numbers import base
from tests.admin.claims_world import ClaimsWorld, make_claims
from tests.admin.conftest import SignIn, World, said, text_of

REJECTS = "/admin/claims/night/rejects/"
ACT = "/admin/claims/night/rejects/act/"


@pytest.fixture
def claims(north: World) -> ClaimsWorld:
    return make_claims(north.region)


@pytest.fixture
def southern(south: World) -> ClaimsWorld:
    return make_claims(south.region)


def test_outsiders_see_nothing_and_change_nothing(sign_in: SignIn, southern: ClaimsWorld, client: Client) -> None:
    assert client.get(REJECTS).status_code == client.post(ACT).status_code == 302
    assert sign_in(None).get(REJECTS).status_code == 403
    assert sign_in(None).post(ACT).status_code == 403
    operator = sign_in("operator")
    assert "C-REJECTED" not in text_of(operator, REJECTS)
    for action in ("reprocess", "dismiss", "reopen"):
        form = {"action": action, "row": southern.reject.pk, "sure": "1", "reason": "mine"}
        assert "No row was selected" in said(operator.post(ACT, form))
    southern.reject.refresh_from_db()
    assert southern.reject.resolution == "open"
    assert operator.get(ACT).status_code == 405


@pytest.mark.parametrize("role", ["viewer", "engineer", "auditor"])
def test_who_only_reads_gets_no_buttons_and_is_refused(sign_in: SignIn, claims: ClaimsWorld, role: str) -> None:
    client = sign_in(role)
    assert "Reprocess" not in text_of(client, REJECTS).replace("Reprocessing", "")
    for action in ("reprocess", "dismiss", "reopen"):
        assert client.post(ACT, {"action": action, "row": claims.reject.pk}).status_code == 403


def test_the_reason_is_said_in_words(sign_in: SignIn, claims: ClaimsWorld) -> None:
    page = text_of(sign_in("finance"), REJECTS)
    for words in ("C-REJECTED", "R01", "no member id", "$120.00", "line 2", "Ask for a corrected claim"):
        assert words in page


def test_filters(sign_in: SignIn, claims: ClaimsWorld, southern: ClaimsWorld) -> None:
    client = sign_in("superuser")
    queries = {
        f"night={claims.night.pk}": True, f"night={southern.night.pk}": False, "region=north": True,
        "region=south": False, "reason=R01": True, "reason=R02": False, "reason=nonsense": False,
        "resolution=fixed": False, "resolution=all": True, "q=C-REJECTED": True, "q=C-": False, "night=x": False,
    }  # fmt: skip
    for query, seen in queries.items():
        page = text_of(client, f"{REJECTS}?{query}")
        assert (f"/admin/runs/failure/{claims.reject.pk}/change/" in page) is seen, query


def test_the_most_billed_comes_first_when_asked(sign_in: SignIn, claims: ClaimsWorld) -> None:
    for claim, billed in (("C-LITTLE", "1.00"), ("C-MUCH", "999.00"), ("C-UNKNOWN", None)):
        Failure.objects.create(
            run=claims.run, step="validate", reference=claim, category="rejected", reason="R05", phase="prepare",
            money_at_stake=billed and Decimal(billed),
        )  # fmt: skip
    client = sign_in("finance")
    assert order_of(text_of(client, REJECTS)) == ["C-UNKNOWN", "C-MUCH", "C-LITTLE", "C-REJECTED"]
    page = text_of(client, f"{REJECTS}?order=billed")
    assert order_of(page) == ["C-MUCH", "C-REJECTED", "C-LITTLE", "C-UNKNOWN"]
    assert 'aria-sort="descending"' in page
    assert "Billed together: $1,120.00" in page


def order_of(page: str) -> list[str]:
    return re.findall(r"Select claim (C-\w+)", page)


def test_dismissing_asks_for_a_reason_and_keeps_it(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("finance")
    form = {"action": "dismiss", "row": claims.reject.pk}
    assert "Dismiss 1 rejected claim?" in client.post(ACT, form).content.decode()
    assert "This field is required" in client.post(ACT, {**form, "sure": "1", "reason": " "}).content.decode()
    response = client.post(ACT, {**form, "sure": "1", "reason": "Mr Example withdrew it"})
    assert "1 claim dismissed" in said(response)
    claims.reject.refresh_from_db()
    assert (claims.reject.resolution, claims.reject.resolved_reason) == ("dismissed", "Mr Example withdrew it")
    entry = LogEntry.objects.get_for_object(claims.reject).get()
    assert entry.changes_dict["resolution"] == ["open", "dismissed"]
    assert entry.additional_data["region"] == claims.region.pk
    assert "Example" not in str(entry.changes)
    assert "Mr Example" in text_of(client, f"{REJECTS}?resolution=dismissed")
    masked = text_of(sign_in("viewer"), f"{REJECTS}?resolution=dismissed")
    assert "Mr Example" not in masked
    assert MASKED in masked


def resolve(client: Client, world: ClaimsWorld, action: str, reason: str) -> str:
    return said(client.post(ACT, {"action": action, "row": world.reject.pk, "sure": "1", "reason": reason}))


def test_a_dismissed_claim_is_reopened_with_a_reason_and_can_be_resolved_again(
    sign_in: SignIn, claims: ClaimsWorld
) -> None:
    client = sign_in("finance")
    assert "None of these claims is dismissed" in resolve(client, claims, "reopen", "a mistake")
    resolve(client, claims, "dismiss", "Mr Example withdrew it")
    asked = client.post(ACT, {"action": "reopen", "row": claims.reject.pk}).content.decode()
    assert "Reopen 1 rejected claim?" in asked
    empty = client.post(ACT, {"action": "reopen", "row": claims.reject.pk, "sure": "1", "reason": " "})
    assert "This field is required" in empty.content.decode()
    assert resolve(client, claims, "reopen", "Mrs Example called") == "1 claim reopened."
    claims.reject.refresh_from_db()
    assert (claims.reject.resolution, claims.reject.resolved_reason) == ("open", "Mrs Example called")
    page = text_of(client, REJECTS)
    assert "reopened " in page
    assert "Mrs Example called" in page
    entry = LogEntry.objects.get_for_object(claims.reject).latest("pk")
    assert entry.changes_dict == {"resolution": ["dismissed", "open"], "resolved_reason": ["(hidden)", "(hidden)"]}
    assert "Example" not in str(list(LogEntry.objects.values("changes", "additional_data", "object_repr")))
    assert "Reopened" in text_of(client, f"/admin/runs/failure/{claims.reject.pk}/change/")
    assert "1 claim with 2 lines wait" in reprocess(client, claims)


def test_only_the_buttons_that_have_something_to_do_are_offered(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("finance")
    assert "Reopen…" not in text_of(client, REJECTS)
    assert "Dismiss…" in text_of(client, REJECTS)
    resolve(client, claims, "dismiss", "withdrawn")
    dismissed = text_of(client, f"{REJECTS}?resolution=dismissed")
    assert "Reopen…" in dismissed
    assert "Dismiss…" not in dismissed
    assert "Reopen…" in text_of(client, f"{REJECTS}?resolution=all")


def reprocess(client: Client, world: ClaimsWorld) -> str:
    return said(client.post(ACT, {"action": "reprocess", "row": world.reject.pk}))


def test_reprocessing_stages_the_claims_lines_for_the_next_night(sign_in: SignIn, claims: ClaimsWorld) -> None:
    assert "1 claim with 2 lines wait for the next night" in reprocess(sign_in("finance"), claims)
    batch = StagedBatch.objects.get(run_date=None)
    assert (batch.region, batch.lines) == (claims.region, 2)
    old, new = (
        list(StagedLine.objects.filter(batch__run_date=run_date, claim_id="C-REJECTED").order_by("line_number"))
        for run_date in (claims.night.run_date, None)
    )
    for before, after in zip(old, new, strict=True):
        for field in StagedLine._meta.concrete_fields:
            if field.name not in ("id", "batch"):
                assert getattr(before, field.attname) == getattr(after, field.attname)
    claims.reject.refresh_from_db()
    assert claims.reject.resolution == "fixed"
    entry = LogEntry.objects.get_for_object(claims.reject).get()
    assert entry.additional_data["batch"] == batch.pk
    assert "staged again" in text_of(sign_in("finance"), f"{REJECTS}?resolution=fixed")


def test_a_claim_that_waits_already_is_refused(sign_in: SignIn, claims: ClaimsWorld) -> None:
    client = sign_in("finance")
    reprocess(client, claims)
    assert "resolved already" in reprocess(client, claims)
    claims.reject.resolution = "open"
    claims.reject.save()
    assert "waiting for the next night already" in reprocess(client, claims)
    assert StagedBatch.objects.filter(run_date=None).count() == 1


def test_a_claim_that_was_paid_since_is_refused(sign_in: SignIn, claims: ClaimsWorld) -> None:
    row = AdjudicatedClaim.objects.get()
    row.pk, row.claim_id = base(claims.night.pk, 0) + 2, "C-REJECTED"
    row.save(force_insert=True)
    assert "paid or denied in a night already" in reprocess(sign_in("finance"), claims)
    assert not StagedBatch.objects.filter(run_date=None).exists()


def test_another_regions_claim_of_the_same_id_does_not_stand_in_the_way(
    sign_in: SignIn, claims: ClaimsWorld, southern: ClaimsWorld
) -> None:
    row = AdjudicatedClaim.objects.filter(seq__gte=base(southern.night.pk, 0)).get()
    row.pk, row.claim_id = base(southern.night.pk, 0) + 2, "C-REJECTED"
    row.save(force_insert=True)
    assert "1 claim with 2 lines" in reprocess(sign_in("finance"), claims)


def test_a_night_that_is_not_complete_keeps_its_rejects(sign_in: SignIn, claims: ClaimsWorld) -> None:
    Run.objects.filter(pk=claims.run.pk).update(status="failed", ended_at=timezone.now())
    assert "their night is not complete" in reprocess(sign_in("finance"), claims)
    assert not StagedBatch.objects.filter(run_date=None).exists()


def test_the_list_is_exported_for_who_may(sign_in: SignIn, claims: ClaimsWorld, southern: ClaimsWorld) -> None:
    response = sign_in("finance").post(ACT, {"action": "export_csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("region,run_date,claim_id,line_number,reason")
    assert lines[1:] == ["north,2026-03-02,C-REJECTED,2,R01,120.00,open,,"]
    entry = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).get()
    assert (entry.additional_data["export"], entry.additional_data["count"]) == ("rejects", 1)
    assert sign_in("viewer").post(ACT, {"action": "export_csv"}).status_code == 403
