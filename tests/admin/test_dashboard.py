"""The dashboard: dollars recovered and at stake, last runs, queues, alerts, and what to do where there is nothing."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import override_settings
from django.utils import timezone

from backoffice.runs.alerts import failed_runs
from backoffice.runs.models import Alert, StepPart
from clinic.models import MissingService, ServiceWrite
from tests.admin.conftest import SignIn, World, make_row, make_run, text_of
from tests.factories import RegionFactory


def test_dollars_recovered_and_at_stake_of_the_users_regions(sign_in: SignIn, north: World, south: World) -> None:
    north.region.collection_percent = Decimal("80.00")
    north.region.save()
    make_row(
        north.run,
        appointment_id="late",
        at_stake=Decimal("10.10"),
        filing_deadline=timezone.now().date() - timedelta(2),
    )
    make_row(
        north.run, appointment_id="near", at_stake=Decimal("0.20"), filing_deadline=timezone.now().date() + timedelta(9)
    )
    make_row(north.run, appointment_id="what", at_stake=None, category="appointment_data", reasons="missing_type")
    page = text_of(sign_in("viewer"), "/admin/")
    assert "$1,234.50" in page  # recovered: by the last run, and in 30 days
    assert "$1,260.30" in page  # gross
    assert "$1,000.16" in page  # net: 80 % of what is not past its deadline
    assert "$10.10" in page  # past its deadline
    assert "$0.20" in page  # near it
    assert "4 missing services" in page
    assert "1 of unknown value" in page
    both = text_of(sign_in("viewer", regions=[north.region, south.region]), "/admin/")
    assert "$2,469.00" in both
    assert "$2,510.30" in both


def test_reasons_lead_to_as_many_rows(sign_in: SignIn, north: World) -> None:
    for block in ("B1", "B2"):
        make_row(north.run, appointment_id=block, category="service_block", reasons=f"{block}:retired_block")
    client = sign_in()
    page = text_of(client, "/admin/")
    assert "retired block" in page
    assert "category=service_block&amp;fault=retired_block" in page
    listed = text_of(client, "/admin/clinic/missingservice/?status=todo&category=service_block&fault=retired_block")
    assert "2 rows" in listed


def test_the_other_reasons_lead_to_as_many_rows_and_say_what_is_unknown(
    sign_in: SignIn, north: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.dashboard.REASONS_SHOWN", 1)
    make_row(north.run, appointment_id="a", category="appointment_data", reasons="missing_type", at_stake=None)
    client = sign_in()
    page = text_of(client, "/admin/")
    assert '>1 other reason</a></th><td class="nw-n">1</td><td class="nw-n">unknown</td>' in page
    make_row(north.run, appointment_id="b", status="found", category="", reasons="", at_stake=Decimal("7.00"))
    page = text_of(client, "/admin/")
    assert "$7.00<small>and 1 unknown</small>" in page
    (href,) = re.findall(r'href="([^"]+)">2 other reasons</a>', page)
    listed = text_of(client, href.replace("&amp;", "&"))
    assert "<strong>2 rows, $7.00 at stake</strong> and 1 of unknown value." in listed


def test_net_says_the_share_that_is_collected(sign_in: SignIn, north: World, south: World) -> None:
    assert "100 % of it, which is what the region collects on average" in text_of(sign_in("viewer"), "/admin/")
    north.region.collection_percent = Decimal("82.50")
    north.region.save()
    both = text_of(sign_in("viewer", regions=[north.region, south.region]), "/admin/")
    assert "on average: 82.5 to 100 %, by region" in both


@pytest.mark.parametrize("status", ["failed", "queued"])
def test_a_run_that_has_read_nothing_is_not_said_to_have_recovered(sign_in: SignIn, north: World, status: str) -> None:
    later = make_run(north.region, status=status, reason="config")
    StepPart.objects.filter(run=later).update(read=0, outcomes={}, totals={})
    page = text_of(sign_in("viewer"), "/admin/")
    assert f'7 services, <a href="/admin/runs/run/{north.run.pk}/change/">' in page
    assert "7 services in 1 run<" in page


def test_an_alert_names_the_job_by_its_title(sign_in: SignIn, north: World) -> None:
    make_run(north.region, status="failed", reason="listing_failed", detail="The hospital is down.")
    (wrong,) = failed_runs()
    assert wrong.message.startswith("Missing-service recovery for North: run")
    assert wrong.message.endswith("failed (listing failed). The hospital is down.")


def test_previews_recover_nothing(sign_in: SignIn, north: World) -> None:
    make_run(north.region, key="north:preview", parameters={**north.run.parameters, "mode": "preview"})
    assert "$2,469.00" not in text_of(sign_in("viewer"), "/admin/")


def test_standing_alerts_of_the_users_regions(sign_in: SignIn, north: World, south: World) -> None:
    Alert.objects.create(kind="run", key="a", region=north.region, run=north.run, message="north is down")
    Alert.objects.create(kind="run", key="b", region=south.region, message="south is down")
    Alert.objects.create(kind="queue", key="c", message="no queue")
    Alert.objects.create(kind="run", key="d", region=north.region, message="long over", cleared_at=timezone.now())
    page = text_of(sign_in("viewer"), "/admin/")
    assert "north is down" in page
    assert "no queue" in page
    assert "south is down" not in page
    assert "long over" not in page


def test_unknown_writes_are_named(sign_in: SignIn, north: World) -> None:
    ServiceWrite.objects.update(state="unknown")
    page = text_of(sign_in("viewer"), "/admin/")
    assert "1 unknown write</a>" in page
    assert "A-written" in text_of(sign_in("viewer"), "/admin/clinic/servicewrite/unknown/")


@pytest.mark.usefixtures("queue")
def test_queues_say_who_works_them(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in("viewer"), "/admin/")
    assert '<th scope="row">default</th>' in page
    assert ">none</span>" in page  # no worker serves it in a test
    assert "Look inside" not in page
    assert "Look inside" in text_of(sign_in("engineer"), "/admin/")


@override_settings(RQ_QUEUES={"default": {"URL": "unix:///nowhere/at/all.sock"}}, QUEUE_ORDER=("default",))
def test_a_queue_server_that_is_gone_is_said(sign_in: SignIn, north: World) -> None:
    assert "The queue server cannot be reached" in text_of(sign_in("viewer"), "/admin/")


@pytest.mark.usefixtures("queue")
def test_empty_states_say_the_next_step(sign_in: SignIn) -> None:
    fresh = RegionFactory.create()
    page = text_of(sign_in("finance", regions=[fresh]), "/admin/")
    assert "none yet" in page
    assert "Start the first recovery" in page
    assert "Nothing is missing that a run has looked at" in page
    assert "You have no region yet" in text_of(sign_in("finance", regions=[]), "/admin/")


def test_cents_add_up_exactly(sign_in: SignIn, north: World) -> None:
    MissingService.objects.all().delete()
    for number in range(30):
        make_row(north.run, appointment_id=f"cent-{number}", at_stake=Decimal("0.10"))
    assert "$3.00" in text_of(sign_in("viewer"), "/admin/")
