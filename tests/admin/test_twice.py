"""[C3] Whether a job may come twice stands beside each button that starts or restarts it."""

import re

import pytest
from django.urls import NoReverseMatch, reverse

from backoffice.runs.models import Run
from backoffice.runs.registry import JOBS, job_named
from tests.admin.claims_world import make_claims
from tests.admin.conftest import SignIn, World, text_of


def says(page: str) -> str:
    """The line about it, without its tags."""
    (line,) = re.findall(r'<p class="nw-quiet" id="twice">(.*?)</p>', page)
    return re.sub(r"<[^>]+>", "", line)


def form_of(name: str) -> str:
    """The address of the job's form; "" of one that has its command only, or its own page."""
    try:
        return reverse(f"admin:start_{name}")
    except NoReverseMatch:
        return ""


def line_of(name: str) -> str:
    twice = job_named(name).twice
    return f"If it comes twice: {twice.kind} {twice.how}."


@pytest.mark.django_db
def test_each_form_that_starts_a_job_says_whether_it_may_come_twice(sign_in: SignIn) -> None:
    forms = {name: address for name in JOBS if (address := form_of(name))}
    assert {"recover_services", "sync_phones", "submit_claims", "run_pipeline", "report"} <= set(forms)
    for name, address in forms.items():
        client = sign_in("finance" if name == "report" else "operator")
        assert says(text_of(client, address)) == line_of(name), address
    assert says(text_of(sign_in("operator"), reverse("failure-lab"))) == line_of("failure_lab")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["check_eligibility", "submit_claims", "recover_services"])
def test_the_page_of_a_run_says_it_beside_its_restart_and_not_where_there_is_none(
    sign_in: SignIn, north: World, name: str
) -> None:
    run = Run.objects.create(
        job=name, region=north.region, key=f"{north.region.name}:twice", parameters=dict(north.run.parameters),
        status="failed", reason="config",
    )  # fmt: skip
    page = f"/admin/runs/run/{run.pk}/change/"
    assert says(text_of(sign_in("operator"), page)) == line_of(name)
    assert 'id="twice"' not in text_of(sign_in("viewer"), page)


@pytest.mark.django_db
def test_a_night_says_it_where_it_is_restarted_run_again_and_undone(sign_in: SignIn, north: World) -> None:
    night, client = make_claims(north.region).night, sign_in("operator")
    own = f"/admin/claims/night/{night.pk}/"
    assert says(text_of(client, f"{own}restart/")) == line_of("run_pipeline")
    assert says(text_of(client, f"{own}undo/")) == line_of("undo_pipeline")
    again = client.post("/admin/claims/night/again/", {"row": night.pk}).content.decode()
    assert says(again) == line_of("rerun_pipeline")
