"""The failure lab in the admin: who may see and start it, what it shows, and the evidence that can be taken out."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from backoffice.lab import report, views
from backoffice.lab.jobs import NAME
from backoffice.lab.models import LabRow
from backoffice.lab.night import FAST
from backoffice.runs.control import start_run
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from tests.admin.conftest import SignIn, World, said, text_of
from tests.processes import Processes, until

LAB = "/admin/lab/"
START = "/admin/lab/start/"


def case_row(name: str = "T01", *, passed: bool = True) -> dict[str, Any]:
    after = "aaaa" if passed else "bbbb"
    return {
        "name": name, "what": f"killed for {name}", "place": "SQLite", "group": "harness", "step": "", "lines": 4_000,
        "passed": passed, "wrong": "" if passed else "not as undisturbed: accumulators", "must_differ": False,
        "ended": ["killed", "complete"], "evidence": [{"kind": "kill", "record": 7}], "undisturbed": "aaaa",
        "broken": "cccc", "after": after, "broken_in": ["claims_pricedclaim"], "differs_in": [],
        "restart_seconds": 1.5,
    }  # fmt: skip


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report beside the product, of one case."""
    made = report.made(
        taken="Taken once.", commit="c0ffee", seed=1, size=FAST, command="manage.py failure_lab", nights=[],
        cases=[case_row()],
    )  # fmt: skip
    path = tmp_path / "failure-lab.json"
    path.write_text(report.as_json(made))
    monkeypatch.setattr(views, "SHIPPED", path)
    return path


@pytest.fixture
def lab_run(north: World) -> Run:
    """A lab that has come to two cases, one of which failed."""
    run = start_run(NAME, region=None, parameters={}, attended=True)
    Run.objects.filter(pk=run.pk).update(status="complete", reason="")
    head = {"taken": "Taken.", "commit": "abc", "seed": 1, "sizes": vars(FAST), "command": "started in the admin"}
    LabRow.objects.create(chain=run.chain, kind="head", number=0, row=head)
    for number, row in enumerate([case_row("T01"), case_row("T11", passed=False)], 1):
        LabRow.objects.create(chain=run.chain, kind="case", number=number, row=row)
    run.refresh_from_db()
    return run


def pages_of(run: Run) -> list[str]:
    return [LAB, f"{LAB}{run.pk}/", f"{LAB}{run.pk}/live/", f"{LAB}{run.pk}/html/", f"{LAB}{run.pk}/json/"]


def test_nobody_sees_the_lab_without_signing_in(lab_run: Run, client: Client) -> None:
    for address in [*pages_of(lab_run), f"{LAB}shipped/json/"]:
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/admin/login/")
    assert client.post(START)["Location"].startswith("/admin/login/")


def test_without_a_role_there_is_nothing(sign_in: SignIn, lab_run: Run) -> None:
    client = sign_in(None)
    for address in [*pages_of(lab_run), f"{LAB}shipped/json/"]:
        assert client.get(address).status_code == 403, address


@pytest.mark.parametrize("role", ["viewer", "finance", "operator", "engineer", "auditor", "superuser"])
def test_each_role_sees_the_lab_and_takes_its_evidence_out(sign_in: SignIn, lab_run: Run, role: str) -> None:
    """Its claims are made up: there is nobody's data in them."""
    for address in pages_of(lab_run):
        text_of(sign_in(role), address)


@pytest.mark.parametrize("role", ["viewer", "finance", "auditor"])
def test_who_may_not_start_a_job_may_not_start_the_lab(sign_in: SignIn, lab_run: Run, role: str) -> None:
    client = sign_in(role)
    assert "Start the fast lab" not in text_of(client, LAB)
    for address in (START, f"{LAB}{lab_run.pk}/stop/", f"{LAB}{lab_run.pk}/restart/"):
        assert client.post(address).status_code == 403, address


def test_a_button_is_no_link_and_asks_for_a_token(sign_in: SignIn, lab_run: Run) -> None:
    client = sign_in("operator")
    for address in (START, f"{LAB}{lab_run.pk}/stop/", f"{LAB}{lab_run.pk}/restart/"):
        assert client.get(address).status_code == 405, address
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = client.cookies
    assert guarded.post(START).status_code == 403


def test_another_jobs_run_is_not_there(sign_in: SignIn, north: World) -> None:
    for address in pages_of(north.run)[1:]:
        assert sign_in("superuser").get(address).status_code == 404, address
    assert sign_in("operator").post(f"{LAB}{north.run.pk}/stop/").status_code == 404


def test_the_page_names_each_case_its_digests_and_its_evidence(sign_in: SignIn, lab_run: Run) -> None:
    """features C2: evidence of T01-T12"""
    page = text_of(sign_in("auditor"), LAB)
    for words in ("FAIL: 1 of 2 cases", "PASS</span>", "FAIL</span>", "not as undisturbed: accumulators", "record 7"):
        assert words in page
    for digest in ("aaaa", "bbbb", "cccc"):
        assert f">{digest}</code>" in page


def test_the_evidence_is_sealed_and_stands_alone(sign_in: SignIn, lab_run: Run) -> None:
    client = sign_in("auditor")
    answer = client.get(f"{LAB}{lab_run.pk}/json/")
    made = json.loads(answer.content)
    assert made["seal"] == report.seal(made)
    assert [case["name"] for case in made["cases"]] == ["T01", "T11"]
    assert answer["Content-Disposition"] == f'attachment; filename="failure-lab-{lab_run.pk}.json"'
    html = text_of(client, f"{LAB}{lab_run.pk}/html/")
    assert "1 of 2 cases FAILED" in html
    assert "http" not in html


def test_before_the_first_run_the_report_that_was_shipped_is_shown(
    sign_in: SignIn, north: World, shipped: Path
) -> None:
    client = sign_in("viewer")
    page = text_of(client, LAB)
    assert "The report that came with the product" in page
    assert "c0ffee" in page
    assert json.loads(client.get(f"{LAB}shipped/json/").content)["commit"] == "c0ffee"


def test_a_shipped_report_that_was_edited_is_not_shown(sign_in: SignIn, north: World, shipped: Path) -> None:
    shipped.write_text(shipped.read_text().replace("c0ffee", "facade"))
    client = sign_in("viewer")
    assert "The lab has not been run yet" in text_of(client, LAB)
    assert client.get(f"{LAB}shipped/html/").status_code == 404


@pytest.mark.usefixtures("queue")
def test_the_button_enqueues_one_lab_and_no_second_one(sign_in: SignIn, north: World) -> None:
    client = sign_in("engineer")
    response = client.post(START)
    run = Run.objects.get(job=NAME)
    assert response["Location"] == f"{LAB}{run.pk}/"
    assert (run.region, run.parameters) == (None, {"seed": 1})
    assert "Start the fast lab" not in text_of(client, LAB)
    again = client.post(START)
    assert "already queued" in said(again)
    assert Run.objects.filter(job=NAME).count() == 1
    client.post(f"{LAB}{run.pk}/stop/")
    run.refresh_from_db()
    assert run.status == "stopped"
    assert "Restart</button>" in text_of(client, f"{LAB}{run.pk}/")


def test_without_a_queue_the_button_says_what_to_do(
    sign_in: SignIn, north: World, settings: Any, queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise Misuse("The queue cannot be reached.")

    monkeypatch.setattr("backoffice.runs.control.require_queue", gone)
    response = sign_in("operator").post(START)
    assert said(response) == "The queue cannot be reached."
    assert response["Location"] == LAB


@pytest.mark.parametrize(("region", "raw"), [(True, {}), (False, {"lines": 5}), (False, {"seed": "x"})])
def test_the_lab_takes_a_seed_and_no_region(north: World, region: bool, raw: dict[str, Any]) -> None:
    with pytest.raises(Misuse):
        start_run(NAME, region=north.region if region else None, parameters=raw, attended=True)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_works_the_lab_case_by_case_and_goes_on_after_a_stop(
    sign_in: SignIn, north: World, queue: Redis, processes: Processes
) -> None:
    """On files of its own: the nights of the product's database stay as they are."""
    client = sign_in("operator")
    client.post(START)
    run = Run.objects.get(job=NAME)
    processes.manage("work")
    cases = LabRow.objects.filter(chain=run.chain, kind="case")
    until(lambda: cases.count() >= 2, within=400)
    client.post(f"{LAB}{run.pk}/stop/")
    until(lambda: not Run.objects.get(pk=run.pk).live, within=120)
    known = cases.count()
    client.post(f"{LAB}{run.pk}/restart/")
    until(lambda: cases.count() > known, within=400)
    again = Run.objects.get(chain=run.chain, attempt=2)
    client.post(f"{LAB}{again.pk}/stop/")
    until(lambda: not Run.objects.get(pk=again.pk).live, within=120)
    assert sorted(cases.values_list("number", flat=True)) == list(range(1, cases.count() + 1))
    assert all(row["passed"] for row in cases.values_list("row", flat=True))
    assert "so far" in text_of(client, LAB)
