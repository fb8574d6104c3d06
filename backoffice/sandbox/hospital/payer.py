"""What a payer knows of the same hospital: the tables by which a pipeline of claims pays what its services are billed
as, a folder as load_claims takes it. Money is dollars.

One plan for all: after a deductible of $50 it pays 80 %. Some members, codes and fees are unknown to it on purpose
(NOT_KNOWN), so that claims are denied, and priced by a share of the charge, as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Row = tuple[object, ...]
COLUMNS: Final = {
    "providers": ("npi", "name", "contract_id", "active_from", "active_to"),
    "procedure_codes": ("procedure_code", "description", "category", "valid_from", "valid_to"),
    "plans": ("plan_id", "deductible", "out_of_pocket_max", "coinsurance_percent"),
    "plan_benefits": ("plan_id", "category", "covered", "copay", "copay_only", "visit_limit"),
    "member_benefits": ("member_id", "plan_id", "coverage_from", "coverage_to"),
    "fee_schedule": ("fee_schedule_id", "procedure_code", "fee"),
    "contract_terms": ("contract_id", "fee_schedule_id", "multiplier_percent", "percent_of_charge"),
    "remittance_payers": (
        "payer_id", "name", "tax_id", "street", "city", "state", "zip_code", "contact", "phone", "for_all",
    ),
}  # fmt: skip
PLAN, CONTRACT, FEES, ALWAYS = "SANDBOX", "STANDARD", "STANDARD", "1900-01-01"
COPAYS: Final = {"OFFICE": "15.00", "LAB": "0.00", "THERAPY": "0.00"}  # of what the plan covers
CATEGORIES: Final = (*COPAYS, "VISION")  # in turn, by code
# Of how many one is not known, from the first on: members, and codes' fees.
NOT_KNOWN: Final = {"member": 5, "fee": 3}


def payer_tables(
    npis: Iterable[tuple[str, str]], members: Iterable[str], codes: Iterable[str], payers: Iterable[tuple[str, str]]
) -> dict[str, Sequence[Row]]:
    """The rows of each table. `npis` with the providers' names, `payers`' ids with theirs; in any order."""
    procedures = sorted(set(codes))
    known = [key for number, key in enumerate(sorted(set(members))) if number % NOT_KNOWN["member"]]
    return {
        "providers": [(npi, name, CONTRACT, ALWAYS, "") for npi, name in sorted(dict(npis).items())],
        "procedure_codes": [
            (code, "", CATEGORIES[number % len(CATEGORIES)], ALWAYS, "") for number, code in enumerate(procedures)
        ],
        "plans": [(PLAN, "50.00", "99999.00", "20")],
        "plan_benefits": [(PLAN, category, "true", copay, "false", "") for category, copay in COPAYS.items()],
        "member_benefits": [(member, PLAN, ALWAYS, "") for member in known],
        "fee_schedule": list(_fees(procedures)),
        "contract_terms": [(CONTRACT, FEES, "100", "50")],
        "remittance_payers": [
            (key, name, f"4790000{at:02d}", f"{at} Payer Square", "Lincoln", "NE", "685080001", "Provider services",
             f"40255501{at:02d}", "false")
            for at, (key, name) in enumerate(payers, 1)
        ],
    }  # fmt: skip


def _fees(procedures: Sequence[str]) -> Iterator[Row]:
    for number, code in enumerate(procedures):
        if number % NOT_KNOWN["fee"]:
            yield FEES, code, f"{20 + number}.37"
