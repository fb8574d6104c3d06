"""Who sees what of billing: roles, other regions, patient data behind its permission, content behind its own."""

import csv
import io
from collections.abc import Iterator

import pytest
from auditlog.models import LogEntry
from django.test import Client

from backoffice.access import MASKED
from tests.admin.billing_world import CONTENT, SECRETS, Billing
from tests.admin.conftest import SignIn, text_of

PLACE = "/admin/billing/"
LISTS = (
    "claim/", "claim/refused/", "claim/clock/", "unclaimable/", "batch/", "document/", "answer/?state=all",
    "payment/", "payment/days/",
)  # fmt: skip
EXPORTS = ("claim/export/", "payment/export/", "unclaimable/export/")
ROLES = ["viewer", "finance", "operator", "engineer", "auditor"]


def pages_of(billing: Billing) -> Iterator[str]:
    """The pages that belong to one row."""
    yield from (f"claim/{claim.pk}/change/" for claim in (billing.paid, billing.refused))
    yield f"claim/{billing.refused.pk}/again/again/"
    yield f"claim/{billing.paid.pk}/again/void/"
    yield f"batch/{billing.unconfirmed.pk}/change/"
    yield from (f"batch/{billing.unconfirmed.pk}/decide/{name}/" for name in ("arrived", "again", "give_up"))
    yield from (f"document/{billing.remittance.pk}/{page}/" for page in ("change", "content", "download"))
    yield f"answer/{billing.answer.pk}/change/"
    yield f"payment/{billing.parked.pk}/change/"
    yield f"unclaimable/{billing.unclaimable.pk}/change/"


def starts() -> Iterator[str]:
    yield from (
        f"claim/start/{job}/" for job in ("submit_claims", "claim_services", "list_claim_files", "process_claim_files")
    )


def test_nobody_sees_a_page_without_signing_in(billing: Billing, client: Client) -> None:
    for path in (*LISTS, *pages_of(billing), *starts()):
        response = client.get(PLACE + path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/admin/login/"), path
    for path in EXPORTS:
        assert client.post(PLACE + path)["Location"].startswith("/admin/login/")


@pytest.mark.slow
def test_without_a_role_there_is_nothing(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in(None)
    for path in (*LISTS, *pages_of(billing), *starts()):
        assert client.get(PLACE + path).status_code == 403, path


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_another_regions_pages_are_not_there_and_its_rows_in_no_list(
    sign_in: SignIn, billing: Billing, others: Billing, role: str
) -> None:
    client = sign_in(role)
    for path in pages_of(others):
        for method in (client.get, client.post):
            assert method(PLACE + path).status_code == 404, path
    for path in LISTS:
        page = text_of(client, PLACE + path)
        assert "South" not in page, path
        for narrowed in ("region=south", f"document={others.remittance.pk}", f"batch={others.batch.pk}"):
            found = text_of(client, f"{PLACE}{path}{'&' if '?' in path else '?'}{narrowed}")
            assert others.paid.control not in found, path
            assert "South" not in found, path


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_who_may_change_and_start_what(sign_in: SignIn, billing: Billing, role: str) -> None:
    client = sign_in(role)
    resolves = role in ("finance", "operator")
    for path in (
        f"claim/{billing.refused.pk}/again/again/",
        f"batch/{billing.unconfirmed.pk}/decide/arrived/",
    ):
        assert client.get(PLACE + path).status_code == (200 if resolves else 403), path
    if not resolves:
        for path in (f"answer/{billing.answer.pk}/change/", f"payment/{billing.parked.pk}/change/"):
            assert client.post(PLACE + path, {"close": "1", "close-note": "x", "note": "x"}).status_code == 403
            assert '<form method="post" class="nw-card"' not in text_of(client, PLACE + path)
    for path in starts():
        assert client.get(PLACE + path).status_code == (200 if role in ("operator", "engineer") else 403), path
    for path in EXPORTS:
        response = client.post(PLACE + path, {"format": "csv"})
        assert response.status_code == (200 if role in ("finance", "auditor") else 403), path


def test_names_and_members_stand_on_the_page_of_one_claim_for_who_may_see_them(
    sign_in: SignIn, billing: Billing
) -> None:
    address = f"{PLACE}claim/{billing.paid.pk}/change/"
    for role in ("finance", "operator", "auditor"):
        page = text_of(sign_in(role), address)
        assert not [secret for secret in SECRETS if secret not in page], role
    for role in ("viewer", "engineer"):
        page = text_of(sign_in(role), address)
        assert not [secret for secret in SECRETS if secret in page], role
        assert MASKED in page


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_no_list_title_or_export_has_data_of_a_person(sign_in: SignIn, billing: Billing, role: str) -> None:
    client = sign_in(role)
    lists = [path for path in LISTS if path != "unclaimable/"]  # which names the reference of whom something lacks
    for path in lists:
        assert not [secret for secret in SECRETS if secret in text_of(client, PLACE + path)], path
    assert ("pat-0815" in text_of(client, f"{PLACE}unclaimable/")) == (role not in ("viewer", "engineer"))
    if role in ("finance", "auditor"):
        response = client.post(f"{PLACE}claim/export/?state=denied", {"format": "csv"})
        text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
        assert not [secret for secret in SECRETS if secret in text]
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["claim"], row["state"], row["charge"]) == (billing.denied.control, "denied", "120.00")


def test_each_view_of_a_claim_stands_in_the_audit_log_without_what_was_seen(sign_in: SignIn, billing: Billing) -> None:
    for role in ("finance", "viewer"):
        text_of(sign_in(role), f"{PLACE}claim/{billing.paid.pk}/change/")
    entries = LogEntry.objects.filter(action=LogEntry.Action.ACCESS, object_pk=str(billing.paid.pk)).order_by("pk")
    assert [entry.additional_data["masked"] for entry in entries] == [False, True]
    assert {entry.additional_data["region"] for entry in entries} == {billing.region.pk}
    assert not [secret for secret in SECRETS for entry in entries if secret in str(entry.additional_data)]


@pytest.mark.slow
def test_content_is_for_who_may_see_it_and_each_look_is_logged(sign_in: SignIn, billing: Billing) -> None:
    address = f"{PLACE}document/{billing.remittance.pk}/"
    for role in ("viewer", "engineer", "auditor"):
        client = sign_in(role)
        for page in ("content/", "download/"):
            assert client.get(address + page).status_code == 403
        assert "content/" not in text_of(client, f"{address}change/")
    assert not LogEntry.objects.filter(additional_data__has_key="content").exists()
    client = sign_in("operator")
    page = text_of(client, f"{address}content/")
    assert "OKONKWO" in page
    assert "~\nGS*HC" in page
    response = client.get(f"{address}download/")
    assert b"".join(response.streaming_content) == CONTENT.encode()  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == 'attachment; filename="9_ERA_835.835"'
    assert "no-store" in response["Cache-Control"]
    entries = LogEntry.objects.filter(object_pk=str(billing.remittance.pk), action=LogEntry.Action.ACCESS)
    assert [entry.additional_data["content"] for entry in entries.order_by("pk")] == ["shown", "downloaded"]
    assert not [entry for entry in entries if "OKONKWO" in str(entry.additional_data) + entry.object_repr]
    assert client.get(f"{address}content/?part=2").status_code == 404
    assert client.get(f"{address}content/?part=x").status_code == 404


@pytest.mark.slow
def test_content_stands_on_no_other_page(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("superuser")
    for path in (*LISTS, *pages_of(billing)):
        if not path.endswith(("content/", "download/")):
            assert "OKONKWO" not in text_of(client, PLACE + path), path
