"""Claims that came as 837P, and the tables by which a region pays them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from claims.edi.claims import Claim, Kind
from claims.edi.write837 import parts
from claims.pipeline.load import load
from claims.pipeline.stage import Staged, stage
from regions.models import Region
from tests.claims.folders import (
    LONG_AGO,
    RUN_DATE,
    benefit,
    coverage,
    new_region,
    payer,
    plan,
    provider,
    row,
    terms,
    write_folder,
)
from tests.edi import made

SINCE = timedelta(days=(made.TODAY - RUN_DATE).days + 2)
PROCEDURES = {"99213": "OFFICE", "99214": "OFFICE", "97110": "THERAPY", "J1885": "LAB", "00100": "SURGERY"}


def claims(number: int, kind: Kind = Kind.MED, seed: int = 1) -> list[Claim]:
    """Made-up claims that this pipeline may adjudicate: originals, no other payer before, served before RUN_DATE, whole
    units. What is not payable of them is left as it is: members and procedures that no table knows, amounts of zero."""
    return [payable(claim) for claim in made.claims(kind, number, seed=seed)]


def payable(claim: Claim) -> Claim:
    lines = tuple(
        replace(
            line, begins=line.begins - SINCE, ends=line.ends - SINCE if line.ends else None,
            charge=max(line.charge % 1000, Decimal("0.01")), quantity=Decimal(int(line.quantity)),
        )
        for line in claim.lines
    )  # fmt: skip
    return replace(
        claim, lines=lines, charge=sum((line.charge for line in lines), Decimal(0)), frequency="1", original="",
        subscriber=replace(claim.subscriber, sequence="P"), other_payers=(), accident=None, onset=None, admitted=None,
        discharged=None,
    )  # fmt: skip


def written(some: Iterable[Claim], control: int = 1, **envelope: Any) -> bytes:
    """The bytes of a file of claims."""
    some = list(some)
    at = replace(made.envelope(some[0].kind, control), when=datetime(2024, 1, 14, 9, 30), **envelope)  # noqa: DTZ001
    return b"".join(part.content for part in parts(at, some))


def region_that_pays(folder: Path, **tables: list[dict[str, str]]) -> Region:
    """Every third member is unknown to it; plan L pays 80 % after a deductible of $100."""
    region = new_region()
    members = [coverage(member_id=f"W{number:08d}") for number in range(3_000) if number % 3]
    usual = {
        "providers": [provider(npi, name=f"Care & Co. {npi}") for npi in ("1234567802", "1234567810", "1234567828")],
        "procedure_codes": [
            row("procedure_codes", procedure_code=code, category=category, valid_from=LONG_AGO)
            for code, category in PROCEDURES.items()
        ],
        "plans": [{**plan(), "deductible": "100.00", "coinsurance_percent": "20"}],
        "plan_benefits": [benefit(category="OFFICE", copay="15.00"), benefit(category="THERAPY", visit_limit="2")],
        "member_benefits": members,
        "fee_schedule": [row("fee_schedule", fee_schedule_id="F", procedure_code="99213", fee="92.37")],
        "contract_terms": [terms()],
        "remittance_payers": [payer("60054"), payer("MCDCA", name="Médi-Cal"), payer("SB580", name="Blue Shield")],
        **tables,
    }  # fmt: skip
    load(write_folder(folder, usual), region)
    return region


def staged(folder: Path, region: Region, content: bytes, name: str = "837P_MED_1.txt", on: date = RUN_DATE) -> Staged:
    """By the command's own function, for the night of that date."""
    path = folder / name
    path.write_bytes(content)
    return stage(path, region, on)
