"""Two regions with a run, a failure, worklist rows and writes each; and clients that are signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from backoffice.runs.models import Failure, Run, StepPart, StepState
from clinic.models import MissingService, RecoveryWindow, ServiceWrite, UnsupportedService
from regions.models import Region
from tests.admin.billing_world import Billing, make_billing
from tests.factories import RegionFactory, SuperuserFactory, UserFactory

SignIn = Callable[..., Client]
WORKLIST = "/admin/clinic/missingservice/"
ACT = "/admin/clinic/missingservice/act/"


@dataclass
class World:
    """What stands in the database of one region."""

    region: Region
    run: Run
    failure: Failure
    row: MissingService
    write: ServiceWrite
    unsupported: UnsupportedService


def make_run(region: Region, **fields: Any) -> Run:
    """A run whose one step has read ten appointments."""
    values = {"job": "recover_services", "key": region.name, "status": "complete", "reason": ""}
    parameters = {"from": "2026-03-01", "to": "2026-04-01", "window": 7, "chunk": 200, "mode": "write"}
    now = timezone.now()
    run = Run.objects.create(
        **{**values, "region": region, "parameters": parameters, "started_at": now, "ended_at": now, **fields}
    )
    step = StepState.objects.create(chain=run.chain, job=run.job, key=run.key, name="recover", sequence=0)
    StepPart.objects.create(
        step=step,
        run=run,
        status="complete",
        read=10,
        outcomes={"recovered": 6, "already_billed": 3, "failed": 1},
        totals={"services": 7, "value": "1234.50", "at_stake": "100.00", "cache.block.calls": 2, "cache.block.hits": 5},
        seconds=2.0,
        done=1,
        of=2,
        label="window 1 of 2",
    )
    RecoveryWindow.objects.create(
        chain=run.chain,
        number=0,
        begins=datetime(2026, 3, 1, 6, tzinfo=UTC),
        ends=datetime(2026, 3, 8, 6, tzinfo=UTC),
        scanned=10,
        outcomes={"recovered": 6, "already_billed": 3, "failed": 1},
        services=7,
        value=Decimal("1234.50"),
        complete=True,
    )
    return run


def make_row(run: Run, **fields: Any) -> MissingService:
    assert run.region is not None
    defaults = {
        "region": run.region, "run": run, "appointment_id": f"A-{MissingService.objects.count()}",
        "start": timezone.now() - timedelta(days=30), "department_id": "D1", "patient_id": "PATIENT-77",
        "type_code": "CHECK", "status": "open", "outcome": "failed", "category": "master_data",
        "reasons": "no_cost_center", "missing": "B1x2", "at_stake": Decimal("1250.00"), "note": "ask Mr Example",
        "filing_deadline": timezone.now().date() + timedelta(days=335), "priority": Decimal("100.00"),
        "blocked_by": "cost_center:D1",
    }  # fmt: skip
    return MissingService.objects.create(**{**defaults, **fields})


def make_world(region: Region) -> World:
    run = make_run(region)
    row = make_row(run)
    failure = Failure.objects.create(
        run=run, step="recover", reference=row.appointment_id, category="master_data", reason="no_cost_center",
        phase="prepare", money_at_stake=Decimal("1250.00"),
    )  # fmt: skip
    write = ServiceWrite.objects.create(
        region=region, run=run, appointment_id="A-written", start=row.start, idempotency_key=f"key-{run.pk}",
        state="written", services=[["B1", 2, "50.00"]], outcome="recovered", value=Decimal("100.00"),
        appointment={"patient_id": "PATIENT-77"}, session_id="S-1",
    )  # fmt: skip
    unsupported = UnsupportedService.objects.create(
        region=region, appointment_id="A-extra", start=row.start, session_id="S-9", block_code="B9", quantity=1,
        reason="no_rule", run=run,
    )  # fmt: skip
    return World(region, run, failure, row, write, unsupported)


@pytest.fixture
def north(db: None) -> World:
    return make_world(RegionFactory.create(name="north", display_name="North", time_zone="America/Chicago"))


@pytest.fixture
def south(db: None) -> World:
    return make_world(RegionFactory.create(name="south", display_name="South", time_zone="Asia/Jakarta"))


@pytest.fixture
def billing(north: World) -> Billing:
    """The claims of the north."""
    return make_billing(north.region, north.write)


@pytest.fixture
def others(south: World) -> Billing:
    """The claims of the south."""
    return make_billing(south.region, south.write)


@pytest.fixture
def sign_in(north: World) -> SignIn:
    """A client of somebody with the role, in the north unless said otherwise."""

    def signed_in(role: str | None = "finance", *, regions: list[Region] | None = None) -> Client:
        client = Client()
        if role == "superuser":
            client.force_login(SuperuserFactory.create())
        else:
            client.force_login(UserFactory.create(role=role, regions=[north.region] if regions is None else regions))
        return client

    return signed_in


def text_of(client: Client, address: str) -> str:
    """The page, which has to be there."""
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    return response.content.decode()


def said(response: Any) -> str:
    """The messages that the answer leaves for the next page."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
