"""A complete night of a region with lines, rejects, accumulators, images and remittances, as a run would leave them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zlib import crc32

from backoffice.runs.models import Failure, Run
from claims.models import (
    Accumulator,
    AdjudicatedClaim,
    BeforeImage,
    Night,
    Plan,
    PlanBenefit,
    Provider,
    Remittance,
    StagedBatch,
    StagedLine,
)
from claims.pipeline import bulk, files, remit
from claims.pipeline.numbers import base
from regions.models import Region
from tests.claims.nights import make_night

NIGHT = date(2026, 3, 2)
MEMBER = "MEMBER-77"
PROVIDER = "1000000001"
BEFORE = '{"deductible_met":1000,"out_of_pocket_met":1500}'
AFTER = '{"deductible_met":3000,"out_of_pocket_met":4000,"visits:OFFICE":1}'


@dataclass
class ClaimsWorld:
    region: Region
    night: Night
    run: Run
    reject: Failure
    remittance: Remittance


def make_claims(region: Region) -> ClaimsWorld:
    night = make_night(region, NIGHT, lines=3, begins=datetime(2026, 3, 3, 5, tzinfo=UTC))
    run = Run.objects.get(chain=night.chain)
    batch = StagedBatch.objects.get(region=region)
    for number, member in ((1, "MEMBER-5"), (2, "")):
        _line(batch, "C-REJECTED", number, member)
    _line(batch, "C-PAID", 1, MEMBER)
    reject = Failure.objects.create(
        run=run, step="validate", reference="C-REJECTED", category="rejected", reason="R01", phase="prepare",
        detail="line 2", money_at_stake=Decimal("120.00"),
    )  # fmt: skip
    _adjudicate(region, night)
    remittance = Remittance.objects.create(
        night=night, provider_npi=PROVIDER, claims=1, lines=1, billed=10_000, paid=5_500
    )
    Provider.objects.create(
        region=region, npi=PROVIDER, name=f"Clinic of {region.name}", contract_id="K1", active_from=date(2020, 1, 1)
    )
    Plan.objects.create(
        region=region, plan_id=f"GOLD-{region.name}", deductible=Decimal(500), out_of_pocket_max=Decimal(2000),
        coinsurance_percent=Decimal(20),
    )  # fmt: skip
    PlanBenefit.objects.create(
        region=region, plan_id="GOLD", category="OFFICE", covered=True, copay=Decimal(5), copay_only=False
    )
    return ClaimsWorld(region, night, run, reject, remittance)


def _line(batch: StagedBatch, claim: str, number: int, member: str) -> None:
    StagedLine.objects.create(
        batch=batch, claim_id=claim, line_number=number, member_id=member, provider_npi=PROVIDER,
        service_date="2026-02-01", received_date="2026-02-02", procedure_code="99213", units="1", billed="100.00",
        member_hash=crc32(member.encode()),
    )  # fmt: skip


def _adjudicate(region: Region, night: Night) -> None:
    seq = base(night.pk, 0) + 1
    bulk.begin_night(AdjudicatedClaim, night)
    AdjudicatedClaim.objects.create(
        seq=seq, claim_id="C-PAID", line_number=1, member_id=MEMBER, provider_npi=PROVIDER,
        service_date=date(2026, 2, 1), category="OFFICE", denial=0, method=1, billed=10_000, allowed=8_000, copay=500,
        deductible=2_000, coinsurance=0, paid=5_500,
    )  # fmt: skip
    BeforeImage.objects.create(
        id=seq, member_id=MEMBER, benefit_year=2026, checkpoint_number=1, before=BEFORE, after=AFTER, first=seq,
        last=seq,
    )  # fmt: skip
    Accumulator.objects.create(region_id=region.pk, member_id=MEMBER, benefit_year=2026, fields=AFTER)


def write_remittance_file(night: Night) -> None:
    """The remittance output with the night's one paid line and a denied one of another provider."""
    import polars as pl

    row: dict[str, Any] = {
        "seq": 1, "provider_npi": PROVIDER, "claim_id": "C-PAID", "line_number": 1, "denial": 0, "billed": 10_000,
        "paid": 5_500, "co_45": 2_000, "pr_1": 2_000, "pr_2": 0, "pr_3": 500, "denied_amount": 0, "denied_group": "",
    }  # fmt: skip
    denied = {
        **row, "seq": 2, "provider_npi": "2000000002", "claim_id": "C-DENIED", "denial": 96, "paid": 0, "co_45": 0,
        "pr_1": 0, "pr_3": 0, "denied_amount": 10_000, "denied_group": "PR",
    }  # fmt: skip
    files.save(pl.DataFrame([row, denied]), night, remit.OUTPUT, 0, 1, 1).save()
