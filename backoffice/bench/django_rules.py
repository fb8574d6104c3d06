"""The rules of the pipeline as one would write them in a Django view: model instances, dictionaries, Decimal.

Of its own, so that what it comes to says something about the pipeline: the benchmark compares the sums.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

from claims.models import ContractTerms, Fee, MemberBenefit, Plan, PlanBenefit, ProcedureCode, Provider

CENT, NOTHING = Decimal("0.01"), Decimal("0.00")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
AMOUNT, WHOLE = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?"), re.compile(r"-?[0-9]{1,9}")


def day(text: str) -> date | None:
    if not DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def amount(text: str) -> Decimal | None:
    return Decimal(text) if AMOUNT.fullmatch(text) else None


def whole(text: str) -> int | None:
    return int(text) if WHOLE.fullmatch(text) else None


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@dataclass(kw_only=True)
class References:
    """The region's tables, read once."""

    providers: dict[str, Provider]
    procedures: dict[str, ProcedureCode]
    plans: dict[str, Plan]
    benefits: dict[tuple[str, str], PlanBenefit]
    fees: dict[tuple[str, str], Decimal]
    contracts: dict[str, ContractTerms]
    members: dict[str, list[MemberBenefit]] = field(default_factory=dict)


def references(region: Any) -> References:
    def of(model: Any) -> Iterable[Any]:
        return model.objects.filter(region=region).iterator()  # type: ignore[no-any-return]

    found = References(
        providers={row.npi: row for row in of(Provider)},
        procedures={row.procedure_code: row for row in of(ProcedureCode)},
        plans={row.plan_id: row for row in of(Plan)},
        benefits={(row.plan_id, row.category): row for row in of(PlanBenefit)},
        fees={(row.fee_schedule_id, row.procedure_code): row.fee for row in of(Fee)},
        contracts={row.contract_id: row for row in of(ContractTerms)},
    )
    for row in of(MemberBenefit):
        found.members.setdefault(row.member_id, []).append(row)
    return found


def reason(line: Any, known: References, run_date: date, first_claim: dict[Any, str]) -> str:
    """R01 to R07, the first that applies, or nothing."""
    served: Any = day(line.service_date)
    received, provider = day(line.received_date), cast(Any, known.providers.get(line.provider_npi))
    billed, units = amount(line.billed), whole(line.units)
    tests = (
        ("R01", lambda: not line.member_id),
        ("R02", lambda: provider is None),
        ("R04", lambda: served is None or served > run_date),
        ("R03", lambda: provider.active_from > served or (provider.active_to or served) < served),
        ("R05", lambda: billed is None or billed <= 0 or units is None or units < 1),
        ("R06", lambda: received is None or (received - served).days > 365),
        ("R07", lambda: first_claim[same(line)] < line.claim_id),
    )
    return next((code for code, holds in tests if holds()), "")


def same(line: Any) -> tuple[Any, ...]:
    """What two lines have in common that are one."""
    return (
        line.member_id, line.provider_npi, day(line.service_date), line.procedure_code, whole(line.units),
        amount(line.billed),
    )  # fmt: skip


def enriched(member: str, procedure: str, served: date, known: References) -> tuple[str, str, int]:
    """plan, category, denial."""
    spans = known.members.get(member, [])
    holding = [one for one in spans if one.coverage_from <= served and (one.coverage_to or served) >= served]
    code = known.procedures.get(procedure)
    plan = max(holding, key=lambda one: one.coverage_from).plan_id if holding else ""
    category = code.category if code else ""
    if not spans:
        return plan, category, 31
    if not holding:
        return plan, category, 26 if served < min(one.coverage_from for one in spans) else 27
    if code is None or code.valid_from > served or (code.valid_to is not None and code.valid_to < served):
        return plan, category, 181
    benefit = known.benefits.get((plan, category))
    return plan, category, 0 if benefit is not None and benefit.covered else 96


def priced(line: Any, denial: int, known: References) -> tuple[int, Decimal]:
    """method, allowed."""
    if denial:
        return 0, NOTHING
    terms = known.contracts[known.providers[line.provider_npi].contract_id]
    fee = known.fees.get((terms.fee_schedule_id, line.procedure_code))
    billed = Decimal(line.billed)
    if fee is not None:
        method, allowed = 1, cents(fee * int(line.units) * terms.multiplier_percent / 100)
    else:
        method, allowed = 2, cents(billed * terms.percent_of_charge / 100)
    return (3, billed) if allowed > billed else (method, allowed)


def shares(
    allowed: Decimal, plan: Plan, benefit: PlanBenefit, met: dict[str, Any]
) -> tuple[Decimal, Decimal, Decimal] | None:
    """copay, deductible, coinsurance, counted into `met` (cents); None when the visits are used up."""
    visits = f"visits:{benefit.category}"
    if benefit.visit_limit is not None and met.get(visits, 0) >= benefit.visit_limit:
        return None
    copay, deductible, coinsurance = min(benefit.copay, allowed), NOTHING, NOTHING
    if not benefit.copay_only:
        left = max(NOTHING, plan.deductible - Decimal(met.get("deductible_met", 0)) / 100)
        deductible = min(allowed - copay, left)
        coinsurance = cents((allowed - copay - deductible) * plan.coinsurance_percent / 100)
    pocket = max(NOTHING, plan.out_of_pocket_max - Decimal(met.get("out_of_pocket_met", 0)) / 100)
    over = max(NOTHING, copay + deductible + coinsurance - pocket)
    cut = min(over, coinsurance)
    coinsurance, over = coinsurance - cut, over - cut
    cut = min(over, deductible)
    deductible, over = deductible - cut, over - cut
    copay -= over
    met["deductible_met"] = met.get("deductible_met", 0) + int(deductible * 100)
    met["out_of_pocket_met"] = met.get("out_of_pocket_met", 0) + int((copay + deductible + coinsurance) * 100)
    met[visits] = met.get(visits, 0) + 1
    return copay, deductible, coinsurance
