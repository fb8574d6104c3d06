"""Who sees which page: by role, by region, and nobody without a sign-in."""

import logging

import pytest
import structlog
from django.test import Client

from tests.admin.conftest import SignIn, World, text_of

LISTS = [
    "/admin/",
    "/admin/runs/run/",
    "/admin/runs/failure/",
    "/admin/clinic/missingservice/",
    "/admin/clinic/missingservice/groups/",
    "/admin/clinic/servicewrite/",
    "/admin/clinic/servicewrite/unknown/",
    "/admin/clinic/unsupportedservice/",
]
START = "/admin/clinic/missingservice/start/"


def pages_of(world: World) -> list[str]:
    return [
        f"/admin/runs/run/{world.run.pk}/change/",
        f"/admin/runs/run/{world.run.pk}/live/",
        f"/admin/runs/failure/{world.failure.pk}/change/",
        f"/admin/clinic/missingservice/{world.row.pk}/change/",
        f"/admin/clinic/servicewrite/{world.write.pk}/change/",
    ]


def test_nobody_sees_a_page_without_signing_in(north: World, client: Client) -> None:
    for address in [*LISTS, START, *pages_of(north)]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor", "superuser"])
def test_each_role_sees_the_pages_of_its_regions(sign_in: SignIn, north: World, role: str) -> None:
    client = sign_in(role)
    for address in [*LISTS, *pages_of(north)]:
        text_of(client, address)


def test_without_a_role_there_is_nothing_but_the_next_step(sign_in: SignIn, north: World) -> None:
    client = sign_in(None)
    assert "Your account has no role yet" in text_of(client, "/admin/")
    for address in [*LISTS[1:], START, *pages_of(north)]:
        assert client.get(address).status_code == 403, address


def test_another_regions_pages_are_not_there(sign_in: SignIn, south: World) -> None:
    for role in ("finance", "engineer", "auditor"):
        for address in pages_of(south):
            assert sign_in(role).get(address).status_code == 404, (role, address)


def test_another_regions_rows_are_in_no_list(sign_in: SignIn, south: World) -> None:
    client = sign_in("finance")
    for address in LISTS:
        text = text_of(client, address)
        assert "South" not in text, address
        assert south.region.name not in text, address


def test_another_regions_run_cannot_be_stopped_or_restarted(sign_in: SignIn, south: World) -> None:
    for button in ("stop", "restart", "failed_only"):
        assert sign_in("operator").post(f"/admin/runs/run/{south.run.pk}/{button}/").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("auditor", 403), ("finance", 200), ("engineer", 200)])
def test_who_may_start_a_recovery(sign_in: SignIn, role: str, status: int) -> None:
    assert sign_in(role).get(START).status_code == status


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_only_reads_gets_no_buttons_and_is_refused(sign_in: SignIn, north: World, role: str) -> None:
    north.run.status = "failed"
    north.run.save()
    client = sign_in(role)
    page = text_of(client, f"/admin/runs/run/{north.run.pk}/change/")
    assert "Restart</button>" not in page
    for button in ("stop", "restart", "failed_only"):
        assert client.post(f"/admin/runs/run/{north.run.pk}/{button}/").status_code == 403


def test_the_buttons_ask_for_a_csrf_token(sign_in: SignIn, north: World) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = sign_in("operator").cookies
    assert guarded.post(f"/admin/runs/run/{north.run.pk}/stop/").status_code == 403
    assert (
        guarded.post("/admin/clinic/missingservice/act/", {"action": "assign", "row": north.row.pk}).status_code == 403
    )


def test_a_button_is_no_link(sign_in: SignIn, north: World) -> None:
    assert sign_in("operator").get(f"/admin/runs/run/{north.run.pk}/stop/").status_code == 405


@pytest.mark.parametrize(
    ("role", "named", "not_named"),
    [
        ("viewer", ["Missing services"], ["Start recovery", "Queues", "Audit log", "Regions", "Users"]),
        ("finance", ["Start recovery"], ["Queues", "Audit log", "API tokens", "Users"]),
        ("engineer", ["Queues", "API tokens"], ["Audit log", "Users"]),
        ("auditor", ["Audit log"], ["Queues", "Start recovery", "Users"]),
        ("superuser", ["Queues", "Audit log", "Users"], []),
    ],
)
def test_the_menu_names_what_the_role_may_open(
    sign_in: SignIn, role: str, named: list[str], not_named: list[str]
) -> None:
    page = text_of(sign_in(role), "/admin/runs/run/")
    for title in named:
        assert f"<span>{title}</span>" in page
    for title in not_named:
        assert f"<span>{title}</span>" not in page


def test_the_api_documentation_is_offered_to_whom_it_opens(sign_in: SignIn) -> None:
    assert "/api/v1/docs/" in text_of(sign_in("viewer"), "/admin/")
    text_of(sign_in("viewer"), "/api/v1/docs/")
    assert "/api/v1/docs/" not in text_of(sign_in(None), "/admin/")
    assert sign_in(None).get("/api/v1/docs/").status_code == 403


def test_the_address_of_the_site_leads_to_the_dashboard(client: Client) -> None:
    assert client.get("/")["Location"] == "/admin/"


def test_what_django_logs_of_a_refused_request_carries_the_id_of_its_answer(client: Client) -> None:
    noted: list[object] = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            noted.append(structlog.contextvars.get_contextvars().get("correlation_id"))

    logger, handler = logging.getLogger("django.request"), Noting()
    logger.addHandler(handler)
    try:
        response = client.get("/nowhere/")
    finally:
        logger.removeHandler(handler)
    assert noted == [response["X-Correlation-ID"]]
