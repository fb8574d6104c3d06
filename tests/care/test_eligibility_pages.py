"""Insurance, reports and spending in the admin: who sees what, and who may make a call again."""

from typing import Any

import pytest
import time_machine
from auditlog.models import LogEntry
from django.test import Client
from redis import Redis

from backoffice.runs.models import Run
from clinic.care.eligibility.spend import month_of, reserve
from clinic.care.models import EligibilityInformation, EligibilityReport, EligibilitySpend
from regions.models import Region
from tests.admin.conftest import SignIn, World, make_run, north, said, sign_in, south, text_of
from tests.care.world import insured

__all__ = ["north", "sign_in", "south"]
pytestmark = pytest.mark.django_db
LISTS = [f"/admin/care/{name}/" for name in ("eligibilityinformation", "eligibilityreport", "eligibilityspend")]
INSURANCE, REPORTS, SPEND = LISTS


def unknown(region: Region) -> EligibilityReport:
    information = insured(region, "MEMBER-77")
    report = EligibilityReport(
        region=region, patient=information.patient, information=information, run=make_run(region),
        month=month_of(region), state="unknown",
    )  # fmt: skip
    report.answer = {"payer_message": "Not Found: Okonkwo"}
    report.save()
    reserve(region, report.month)
    return report


def act(client: Client, page: str, name: str, row: Any) -> Any:
    return client.post(page, {"action": name, "_selected_action": [row.pk]})


def test_a_report_and_its_words_are_shown_to_who_may_see_patients(sign_in: SignIn, north: World) -> None:
    report = unknown(north.region)
    page = f"{REPORTS}{report.pk}/change/"
    assert "Not Found: Okonkwo" in text_of(sign_in("operator"), page)
    assert "Okonkwo" not in text_of(sign_in("viewer"), page)
    information = f"{INSURANCE}{report.information_id}/change/"
    assert "MEMBER-77" in text_of(sign_in("operator"), information)
    assert "MEMBER-77" not in text_of(sign_in("viewer"), information)
    assert LogEntry.objects.get_for_object(report).filter(action=LogEntry.Action.ACCESS).exists()


def test_who_may_start_jobs_may_ask_again(sign_in: SignIn, north: World) -> None:
    """[X-17]"""
    report = unknown(north.region)
    for role in ("viewer", "finance", "auditor"):
        act(sign_in(role), REPORTS, "ask_again", report)
        assert EligibilityReport.objects.get().state == "unknown"
    assert "1 report open again" in said(act(sign_in("operator"), REPORTS, "ask_again", report))
    assert EligibilityReport.objects.get().state == "open"
    assert "Nothing was changed" in said(act(sign_in("operator"), REPORTS, "ask_again", report))


def test_who_may_start_jobs_may_have_a_record_checked_now(sign_in: SignIn, north: World, queue: Redis) -> None:
    """[S3-03]"""
    information = insured(north.region)
    act(sign_in("finance"), INSURANCE, "check_now", information)
    assert not Run.objects.filter(job="check_eligibility").exists()
    assert "checks eligibility information" in said(act(sign_in("operator"), INSURANCE, "check_now", information))
    assert Run.objects.get(job="check_eligibility").parameters == {"only": [information.pk]}


def test_the_cap_is_moved_by_who_configures_regions(sign_in: SignIn, north: World) -> None:
    unknown(north.region)
    page = f"{SPEND}{EligibilitySpend.objects.get().pk}/change/"
    assert sign_in("operator").post(page, {"cap": 7}).status_code == 403
    assert sign_in("engineer").post(page, {"cap": 7}).status_code == 302
    spend = EligibilitySpend.objects.get()
    assert (spend.cap, spend.calls) == (7, 1)
    assert LogEntry.objects.get_for_object(spend).filter(changes__has_key="cap").exists()


def test_the_cap_is_there_to_be_moved_before_the_first_call(sign_in: SignIn, north: World, south: World) -> None:
    """[S3-03] Of this month and the next, for a region that has an account; the other's is neither shown nor made."""
    for region in (north.region, south.region):
        region.env_vars = {**region.env_vars, "PVERIFY_CLIENT_ID": "sandbox", "PVERIFY_CLIENT_SECRET": "secret"}
        region.save()
    with time_machine.travel("2026-12-31T20:00:00Z", tick=False):
        engineer = sign_in("engineer")
        for _ in range(2):
            listed = text_of(engineer, SPEND)
        rows = list(EligibilitySpend.objects.order_by("month"))
        assert [(str(row.month), row.region, row.calls, row.cap) for row in rows] == [
            ("2026-12-01", north.region, 0, 1000), ("2027-01-01", north.region, 0, 1000),
        ]  # fmt: skip
        assert "2026-12-01" in listed
        assert "1000" in listed
        assert "2 months of eligibility spending" in " ".join(listed.split())
        assert engineer.post(f"{SPEND}{rows[0].pk}/change/", {"cap": 0}).status_code == 302
        assert not reserve(north.region, rows[0].month)
        assert reserve(north.region, rows[1].month)
        text_of(sign_in("viewer"), SPEND)
    assert [row.cap for row in EligibilitySpend.objects.order_by("month")] == [0, 1000]


def test_a_region_without_an_account_has_no_month(sign_in: SignIn, north: World) -> None:
    text_of(sign_in("engineer"), SPEND)
    assert not EligibilitySpend.objects.exists()


def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    theirs = unknown(south.region)
    pages = [f"{REPORTS}{theirs.pk}/change/", f"{INSURANCE}{EligibilityInformation.objects.get().pk}/change/",
             f"{SPEND}{EligibilitySpend.objects.get().pk}/change/"]  # fmt: skip
    for page in [*LISTS, *pages]:
        assert client.get(page)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(page).status_code == 403
    operator = sign_in("operator")
    for page in pages:
        assert operator.get(page).status_code == 404
    for page in LISTS:
        assert "South" not in text_of(operator, page)
    act(operator, REPORTS, "ask_again", theirs)
    assert EligibilityReport.objects.get().state == "unknown"
