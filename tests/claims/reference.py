"""The whole night, one claim line at a time, on dicts, Decimals and dates: what the pipeline is compared with.

Written from the specification alone; it shares no function with claims/.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

Row = Mapping[str, str]
Tables = Mapping[str, list[dict[str, str]]]
Key = tuple[str, int]
CENT, NOTHING = Decimal("0.01"), Decimal("0.00")
SHARES = ("copay", "deductible", "coinsurance")
TO_PROVIDER = ("181",)


@dataclass(kw_only=True)
class Answer:
    """What the night comes to. `accumulators` are all that stand after it and are not zero."""

    rejected: dict[str, tuple[int, str]] = field(default_factory=dict)
    adjudicated: dict[Key, dict[str, object]] = field(default_factory=dict)
    accumulators: dict[tuple[str, int, str], Decimal] = field(default_factory=dict)
    remittances: dict[str, dict[str, object]] = field(default_factory=dict)


def night(tables: Tables, run_date: date) -> Answer:
    """From the delivered rows, all of them text, to the remittances."""
    answer = Answer(rejected=rejected(tables, run_date))
    priced = []
    for line in tables["claim_lines"]:
        if line["claim_id"] not in answer.rejected:
            found = {**line, **enriched(line, tables)}
            priced.append({**found, **price(found, tables)})
    met = opening(tables["accumulators"])
    for line in sorted(priced, key=lambda line: (line["member_id"], line["service_date"], *key_of(line))):
        answer.adjudicated[key_of(line)] = adjudicated(line, tables, met)
    answer.accumulators = {key: value for key, value in met.items() if value}
    answer.remittances = remittances(answer.adjudicated)
    return answer


def key_of(line: Row) -> Key:
    return line["claim_id"], int(line["line_number"])


# Validate


def rejected(tables: Tables, run_date: date) -> dict[str, tuple[int, str]]:
    """Each rejected claim's first faulty line, by number, and its reason."""
    providers = {row["npi"]: row for row in tables["providers"]}
    lowest: dict[tuple[object, ...], str] = {}
    for line in tables["claim_lines"]:
        lowest[likeness(line)] = min(lowest.get(likeness(line), line["claim_id"]), line["claim_id"])
    found: dict[str, tuple[int, str]] = {}
    for line in sorted(tables["claim_lines"], key=key_of):
        reason = fault(line, providers.get(line["provider_npi"]), lowest[likeness(line)], run_date)
        if reason and line["claim_id"] not in found:
            found[line["claim_id"]] = (int(line["line_number"]), reason)
    return found


def likeness(line: Row) -> tuple[object, ...]:
    read = (day(line["service_date"]), whole(line["units"]), amount(line["billed"]))
    return line["member_id"], line["provider_npi"], line["procedure_code"], *read


def fault(line: Row, provider: Row | None, lowest: str, run_date: date) -> str:
    """The first reason that applies; empty for none."""
    served, received = day(line["service_date"]), day(line["received_date"])
    billed, units = amount(line["billed"]), whole(line["units"])
    reason = ""
    if not line["member_id"]:
        reason = "R01"
    elif provider is None:
        reason = "R02"
    elif served is None or served > run_date:
        reason = "R04"
    elif not within(served, provider["active_from"], provider["active_to"]):
        reason = "R03"
    elif billed is None or billed <= 0 or units is None or units < 1:
        reason = "R05"
    elif received is None or (received - served).days > 365:
        reason = "R06"
    elif lowest < line["claim_id"]:
        reason = "R07"
    return reason


def day(text: str) -> date | None:
    try:
        return date(*map(int, text.split("-"))) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def amount(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]{1,2})?", text) else None


def whole(text: str) -> int | None:
    return int(text) if re.fullmatch("-?[0-9]+", text) else None


def within(served: date, first: str, last: str) -> bool:
    return date.fromisoformat(first) <= served and (not last or served <= date.fromisoformat(last))


# Enrich


def enriched(line: Row, tables: Tables) -> dict[str, str]:
    """plan_id, category and denial, empty where there is none."""
    served = date.fromisoformat(line["service_date"])
    coverages = [row for row in tables["member_benefits"] if row["member_id"] == line["member_id"]]
    procedure = one(tables["procedure_codes"], procedure_code=line["procedure_code"])
    found = {"plan_id": "", "category": procedure["category"] if procedure else "", "denial": ""}
    if not coverages:
        return {**found, "denial": "31"}
    covering = [row for row in coverages if within(served, row["coverage_from"], row["coverage_to"])]
    if not covering:
        first = min(row["coverage_from"] for row in coverages)
        return {**found, "denial": "26" if line["service_date"] < first else "27"}
    found["plan_id"] = covering[0]["plan_id"]
    if procedure is None or not within(served, procedure["valid_from"], procedure["valid_to"]):
        return {**found, "denial": "181"}
    benefit = one(tables["plan_benefits"], plan_id=found["plan_id"], category=found["category"])
    if benefit is None or benefit["covered"] != "true":
        return {**found, "denial": "96"}
    return found


def one(rows: Iterable[dict[str, str]], **wanted: str) -> dict[str, str] | None:
    return next((row for row in rows if all(row[name] == value for name, value in wanted.items())), None)


# Price


def price(line: Row, tables: Tables) -> dict[str, str]:
    """method and allowed."""
    if line["denial"]:
        return {"method": "NONE", "allowed": "0.00"}
    provider = one(tables["providers"], npi=line["provider_npi"]) or {}
    terms = one(tables["contract_terms"], contract_id=provider["contract_id"])
    if terms is None:
        raise LookupError(provider["contract_id"])
    billed = Decimal(line["billed"])
    fee = one(tables["fee_schedule"], fee_schedule_id=terms["fee_schedule_id"], procedure_code=line["procedure_code"])
    if fee is None:
        method, allowed = "PERCENT_OF_CHARGE", billed * Decimal(terms["percent_of_charge"]) / 100
    else:
        units = int(line["units"])
        method, allowed = "FEE_SCHEDULE", Decimal(fee["fee"]) * units * Decimal(terms["multiplier_percent"]) / 100
    allowed = half_up(allowed)
    if allowed > billed:
        method, allowed = "BILLED", billed
    return {"method": method, "allowed": str(allowed)}


def half_up(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


# Adjudicate


def opening(rows: Iterable[Row]) -> dict[tuple[str, int, str], Decimal]:
    met: dict[tuple[str, int, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        met[row["member_id"], int(row["benefit_year"]), row["field_name"]] = Decimal(row["value"])
    return met


def adjudicated(line: Row, tables: Tables, met: dict[tuple[str, int, str], Decimal]) -> dict[str, object]:
    """The line with status, denial and shares; what it changes is added to `met`."""
    known = {name: line[name] for name in ("member_id", "provider_npi", "method")} | {"billed": Decimal(line["billed"])}
    nothing = {**known, "allowed": NOTHING, **dict.fromkeys(SHARES, NOTHING), "paid": NOTHING}
    if line["denial"]:
        return {**nothing, "denial": line["denial"]}
    plan = one(tables["plans"], plan_id=line["plan_id"]) or {}
    benefit = one(tables["plan_benefits"], plan_id=line["plan_id"], category=line["category"]) or {}
    year = (line["member_id"], int(line["service_date"][:4]))
    visits = (*year, f"visits:{line['category']}")
    if benefit["visit_limit"] and met[visits] >= int(benefit["visit_limit"]):
        return {**nothing, "denial": "119"}
    allowed = Decimal(line["allowed"])
    deductible_left = max(NOTHING, Decimal(plan["deductible"]) - met[*year, "deductible_met"])
    pocket_left = max(NOTHING, Decimal(plan["out_of_pocket_max"]) - met[*year, "out_of_pocket_met"])
    shares = dict.fromkeys(SHARES, NOTHING)
    shares["copay"] = min(Decimal(benefit["copay"]), allowed)
    if benefit["copay_only"] != "true":
        shares["deductible"] = min(allowed - shares["copay"], deductible_left)
        rest = allowed - shares["copay"] - shares["deductible"]
        shares["coinsurance"] = half_up(rest * Decimal(plan["coinsurance_percent"]) / 100)
    for name in ("coinsurance", "deductible", "copay"):
        over = max(NOTHING, sum(shares.values(), NOTHING) - pocket_left)
        shares[name] -= min(shares[name], over)
    met[*year, "deductible_met"] += shares["deductible"]
    met[*year, "out_of_pocket_met"] += sum(shares.values(), NOTHING)
    met[visits] += 1
    paid = allowed - sum(shares.values(), NOTHING)
    return {**known, "allowed": allowed, **shares, "paid": paid, "denial": ""}


# Remit


def remittances(lines: Mapping[Key, dict[str, object]]) -> dict[str, dict[str, object]]:
    """By provider: distinct claims, lines, total paid, and each line's adjustments."""
    found: dict[str, dict[str, object]] = {}
    for provider in {str(line["provider_npi"]) for line in lines.values()}:
        mine = {key: line for key, line in lines.items() if line["provider_npi"] == provider}
        found[provider] = {
            "claims": len({claim for claim, _ in mine}),
            "lines": len(mine),
            "paid": sum((Decimal(str(line["paid"])) for line in mine.values()), NOTHING),
            "adjustments": {key: adjustments(line) for key, line in mine.items()},
        }
    return found


def adjustments(line: Mapping[str, object]) -> list[tuple[str, str, Decimal]]:
    """(group, reason, amount) of what explains billed - paid; none that is zero."""
    money = {name: Decimal(str(line[name])) for name in ("billed", "allowed", *SHARES)}
    if code := str(line["denial"]):
        return [("CO" if code in TO_PROVIDER else "PR", code, money["billed"])]
    named = [
        ("CO", "45", money["billed"] - money["allowed"]), ("PR", "1", money["deductible"]),
        ("PR", "2", money["coinsurance"]), ("PR", "3", money["copay"]),
    ]  # fmt: skip
    return [found for found in named if found[2]]
