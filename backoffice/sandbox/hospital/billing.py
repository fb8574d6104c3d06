"""What a hospital does not tell and a claim needs: a folder as load_billing takes it, made up for a hospital's folder.

The same for the same folder and seed. A few rows are left out or empty on purpose (LEFT_OUT), so that not every service
can be claimed, and the last payer has not enrolled the hospital.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final

from backoffice.sandbox.hospital.folder import read_table
from backoffice.sandbox.hospital.payer import COLUMNS as PAYER_COLUMNS
from backoffice.sandbox.hospital.payer import Row, payer_tables
from backoffice.sandbox.hospital.people import FIRST, LAST, PLACES, STREETS

PAYER: Final = "payer"
COLUMNS: Final = {
    "patients": (
        "patient_id", "member_id", "last", "first", "middle", "suffix", "birth_date", "sex", "street", "street_2",
        "city", "state", "zip_code", "payer_id",
    ),
    "payers": ("payer_id", "name", "filing_days", "enrolled"),
    "billing_providers": (
        "department_id", "npi", "tax_id", "taxonomy", "name", "street", "street_2", "city", "state", "zip_code",
        "phone", "provider_number",
    ),
    "charge_master": ("block_code", "hcpcs", "modifiers", "place_of_service", "kind"),
    "diagnoses": ("case_id", "position", "icd10"),
}  # fmt: skip
# Payer's id, name, days to file in, share of the patients in percent.
PAYERS: Final = (
    ("PRM01", "Prairie Mutual", 365, 34), ("SAND1", "Sandhills Health Plan", 180, 27),
    ("PLATT", "Platte Valley Insurance", 365, 20), ("NEMED", "Heartland Medicaid", 180, 15),
    ("CHIMN", "Chimney Rock Benefit Fund", 120, 4),
)  # fmt: skip
ICD10: Final = (
    "I10", "E119", "E785", "J069", "J45909", "M5450", "M25561", "N390", "K219", "F411", "F329", "G43909", "R0789",
    "R51.9", "R10.9", "Z0000", "Z23", "Z79899", "E669", "J209", "H66.90", "L309", "M79605", "R5383", "E039", "D649",
)  # fmt: skip
# A word in a block's name that makes it a non-medical service.
NONMEDICAL: Final = ("social", "education", "notification", "scheduling", "guidance", "supervision", "ancillary")
TAXONOMIES: Final = ("207Q00000X", "207R00000X", "208D00000X", "261QP2300X", "2085R0202X")
# One in how many lacks what: each counts in the order of the ids, from the place that is named second.
LEFT_OUT: Final = {
    "patient": (151, 11), "birth_date": (151, 73), "payer": (151, 101), "charge": (61, 3), "provider": (59, 7),
    "diagnosis": (97, 23),
}  # fmt: skip


def write_billing(hospital: Path, output: Path, *, seed: int = 1, filing_days: int | None = None) -> None:
    """The five files into `output`, made if missing, and what a payer knows of the same hospital into a folder in it
    (PAYER). `filing_days`: of every payer, for a hospital of long ago."""
    output.mkdir(parents=True, exist_ok=True)
    visits: dict[str, str] = {}
    departments = set()
    for _, visit in read_table(hospital, "appointments"):
        if visit.patient_id:
            visits[visit.patient_id] = min(visits.get(visit.patient_id, visit.start), visit.start)
        if visit.department_id:
            departments.add(visit.department_id)
    blocks = {block.code: block.name for _, block in read_table(hospital, "service_blocks")}
    cases = (case.id for _, case in read_table(hospital, "cases"))
    made = {
        "patients": list(_patients(visits, seed)), "payers": list(_payers(filing_days)),
        "billing_providers": list(_providers(departments, seed)), "charge_master": list(_charges(blocks)),
        "diagnoses": _diagnoses(sorted(cases), seed),
    }  # fmt: skip
    for table, rows in made.items():
        _write(output / f"{table}.csv", COLUMNS[table], rows)
    _write_payer(output / PAYER, made)


def _write_payer(folder: Path, made: Mapping[str, Iterable[Row]]) -> None:
    """By the columns that both sides know: who bills, who is insured, what a block is called, who pays."""
    folder.mkdir(exist_ok=True)
    tables = payer_tables(
        npis=((str(row[1]), str(row[4])) for row in made["billing_providers"]),
        members=(str(row[1]) for row in made["patients"]),
        codes=(str(row[1]) for row in made["charge_master"]),
        payers=((str(row[0]), str(row[1])) for row in made["payers"]),
    )
    for table, rows in tables.items():
        _write(folder / f"{table}.csv", PAYER_COLUMNS[table], rows)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _lacks(what: str, number: int) -> bool:
    every, place = LEFT_OUT[what]
    return number % every == place


def _random(seed: int, key: str) -> Random:
    """The same for the same record, whatever others there are."""
    return Random(f"{seed}:{key}")  # noqa: S311 (made-up people, no secret)


def _patients(visits: dict[str, str], seed: int) -> Iterator[Row]:
    for number, (key, first_visit) in enumerate(sorted(visits.items())):
        if _lacks("patient", number):
            continue
        random = _random(seed, key)
        born = date.fromisoformat(first_visit[:10]) - timedelta(days=random.randrange(1, 90 * 365))
        sex = random.choice("FM")
        payer = random.choices(PAYERS, [share for *_, share in PAYERS])[0][0]
        city, zip_code = random.choice(PLACES)
        yield (
            key, f"{random.choice('ABCDEFGHJKLMNPQRSTUVWXYZ')}{seed % 10}{number:08d}", random.choice(LAST),
            random.choice(FIRST[sex]), random.choice(("", "", "A", "J", "M")), random.choice(("", "", "", "", "JR")),
            "" if _lacks("birth_date", number) else born.isoformat(), sex, _street(random),
            random.choice(("", "", "", f"APT {random.randrange(1, 40)}")), city, "NE",
            f"{zip_code}{random.randrange(1, 9999):04d}", "" if _lacks("payer", number) else payer,
        )  # fmt: skip


def _street(random: Random) -> str:
    return f"{random.randrange(100, 9900)} {random.choice(STREETS)}"


def _payers(filing_days: int | None) -> Iterator[Row]:
    for key, name, days, _ in PAYERS:
        yield key, name, filing_days or days, "false" if key == PAYERS[-1][0] else "true"


def _providers(departments: set[str], seed: int) -> Iterator[Row]:
    for number, key in enumerate(sorted(departments)):
        if _lacks("provider", number):
            continue
        random = _random(seed, key)
        city, zip_code = random.choice(PLACES)
        yield (
            key, npi(f"1{number:04d}{random.randrange(10_000):04d}"), f"47{random.randrange(10**7):07d}",
            random.choice(TAXONOMIES), f"{city} Clinic {number + 1}", _street(random), "", city, "NE",
            f"{zip_code}{random.randrange(1, 9999):04d}", f"402{random.randrange(2_000_000, 9_999_999)}", "",
        )  # fmt: skip


def npi(nine: str) -> str:
    """The nine digits and Luhn's check digit over 80840 and them."""
    total = 24
    for place, digit in enumerate(map(int, nine)):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return f"{nine}{-total % 10}"


def _charges(blocks: dict[str, str]) -> Iterator[Row]:
    """A code for each block, and never the same for two: a claim with one service twice on a day would be refused."""
    for number, (code, name) in enumerate(sorted(blocks.items())):
        if _lacks("charge", number):
            continue
        nonmedical = any(word in name.lower() for word in NONMEDICAL)
        series = 100 + number + number // 99  # 199 and its like are kept out: they are of unlisted procedures
        hcpcs = f"T2{series % 1000:03d}" if nonmedical else f"G{series:04d}"
        yield code, hcpcs, "U1" if nonmedical else "", "99" if nonmedical else "11", "NONMED" if nonmedical else "MED"


def _diagnoses(cases: Sequence[str], seed: int) -> Iterator[Row]:
    for number, key in enumerate(cases):
        if _lacks("diagnosis", number):
            continue
        random = _random(seed, key)
        yield from ((key, place, code) for place, code in enumerate(random.sample(ICD10, random.randint(1, 5)), 1))
