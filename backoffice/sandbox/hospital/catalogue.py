"""The made-up clinic of generate.py: its departments, appointment types, blocks and prices."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

ALL_CASES: Final = ""


class VisitType(NamedTuple):
    """An appointment type: what every visit makes due, and what a performed activity makes due."""

    code: str
    always: tuple[str, ...]
    performed: Mapping[str, tuple[str, ...]]


class Price(NamedTuple):
    """A block's name and price."""

    name: str
    price: str


ORDINARY: Final = (
    VisitType("GEN-NEW", ("V-GEN-NEW",), {"ECG": ("X-ECG",), "SPIRO": ("X-SPIRO",)}),
    VisitType("GEN-FU", ("V-GEN-FU",), {"BLOOD": ("L-DRAW",), "INJECT": ("X-INJECT",)}),
    VisitType("CARD-NEW", ("V-CARD-NEW",), {"ECG": ("X-ECG",), "ECHO": ("X-ECHO",), "STRESS": ("X-STRESS", "X-ECG")}),
    VisitType("CARD-FU", ("V-CARD-FU",), {"ECG": ("X-ECG",), "HOLTER": ("X-HOLTER",)}),
    VisitType("DERM-NEW", ("V-DERM-NEW",), {"BIOPSY": ("X-BIOPSY",), "CRYO": ("X-CRYO",)}),
    VisitType("PHYS-SES", ("V-PHYS-SES",), {"EXERCISE": ("T-EXERCISE",), "MANUAL": ("T-MANUAL",)}),
    VisitType("OPHT-FU", ("V-OPHT-FU",), {"TONOMETRY": ("X-TONO",), "OCT": ("X-OCT",)}),
    VisitType("PED-CHECK", ("V-PED-CHECK",), {"VACCINATE": ("X-VACC",), "HEARING": ("X-HEAR",)}),
    VisitType("RAD-XRAY", ("R-XRAY",), {"CONTRAST": ("R-CONTRAST",), "SECOND-VIEW": ("R-VIEW",)}),
)
# Only what was performed is due, so a visit without it leaves nothing to bill.
LABORATORY: Final = VisitType("LAB-DRAW", (), {"BLOOD": ("L-DRAW",), "LIPIDS": ("L-LIPID",), "HBA1C": ("L-HBA1C",)})
# Each of these has a block that the hospital will not take.
WOUND: Final = VisitType("WOUND-CARE", ("V-WOUND",), {"VACUUM": ("X-VACUUM-OLD",), "DRESSING": ("X-DRESSING",)})
INFUSION: Final = VisitType("ONCO-INF", ("V-INFUSION",), {"MONITOR": ("W-MONITOR",), "BLOOD": ("L-DRAW",)})
LASER: Final = VisitType("LASER-TX", ("V-LASER",), {"LASER-2": ("X-LASER-2",), "ULTRASOUND": ("X-SONO-OLD",)})
ACUPUNCTURE: Final = VisitType("PAIN-ACU", ("V-ACU-OLD",), {})
CONFIGURED: Final = (*ORDINARY, LABORATORY, WOUND, INFUSION, LASER, ACUPUNCTURE)
UNCONFIGURED: Final = "TELE-CHAT"

PRICES: Final[Mapping[str, Price]] = {
    "V-GEN-NEW": Price("General medicine, first visit", "112.40"),
    "V-GEN-FU": Price("General medicine, follow-up", "68.15"),
    "V-CARD-NEW": Price("Cardiology, first visit", "214.00"),
    "V-CARD-FU": Price("Cardiology, follow-up", "121.35"),
    "V-DERM-NEW": Price("Dermatology, first visit", "138.90"),
    "V-PHYS-SES": Price("Physiotherapy, session", "54.25"),
    "V-OPHT-FU": Price("Ophthalmology, follow-up", "92.60"),
    "V-PED-CHECK": Price("Paediatric check-up", "99.80"),
    "V-WOUND": Price("Wound care, visit", "73.50"),
    "V-INFUSION": Price("Infusion, first hour", "246.70"),
    "V-LASER": Price("Laser treatment, session", "189.00"),
    "V-ACU-OLD": Price("Acupuncture, session", "61.00"),
    "R-XRAY": Price("Radiograph, one view", "58.45"),
    "R-VIEW": Price("Radiograph, further view", "31.10"),
    "R-CONTRAST": Price("Contrast agent", "84.00"),
    "L-DRAW": Price("Venous blood draw", "12.75"),
    "L-LIPID": Price("Lipid panel", "27.30"),
    "L-HBA1C": Price("Glycated haemoglobin", "22.85"),
    "T-EXERCISE": Price("Therapeutic exercise, 15 minutes", "31.20"),
    "T-MANUAL": Price("Manual therapy, 15 minutes", "28.65"),
    "W-MONITOR": Price("Ward monitoring, per hour", "47.00"),
    "X-ECG": Price("Electrocardiogram", "38.50"),
    "X-ECHO": Price("Echocardiogram", "241.75"),
    "X-STRESS": Price("Stress test", "164.20"),
    "X-HOLTER": Price("24-hour electrocardiogram", "143.00"),
    "X-SPIRO": Price("Spirometry", "44.90"),
    "X-INJECT": Price("Injection", "19.95"),
    "X-BIOPSY": Price("Skin biopsy", "96.40"),
    "X-CRYO": Price("Cryotherapy of a lesion", "42.10"),
    "X-TONO": Price("Tonometry", "21.60"),
    "X-OCT": Price("Optical coherence tomography", "88.30"),
    "X-VACC": Price("Vaccination", "24.00"),
    "X-HEAR": Price("Hearing test", "36.75"),
    "X-DRESSING": Price("Large dressing", "26.80"),
    "X-VACUUM-OLD": Price("Vacuum dressing, superseded", "118.00"),
    "X-SONO-OLD": Price("Ultrasound of the skin, analogue", "52.00"),
}
NO_RECORD: Final = "X-LASER-2"  # in a rule, in no price list
RETIRED: Final = frozenset({"V-ACU-OLD", "X-SONO-OLD"})
EXPIRED: Final = "X-VACUUM-OLD"
INPATIENT_ONLY: Final = "W-MONITOR"

DEPARTMENTS: Final = tuple(f"D-{number:03d}" for number in range(101, 113))
NO_COST_CENTER: Final = "D-201"
INACTIVE_COST_CENTER: Final = "D-202"
NO_PHYSICIAN: Final = "D-203"


def rule_rows() -> Iterator[tuple[str, ...]]:
    """The rows of service_configurations.csv."""
    for visit in CONFIGURED:
        yield from ((visit.code, block, "ALWAYS", "") for block in visit.always)
        for activity, blocks in visit.performed.items():
            yield from ((visit.code, block, "PERFORMED", activity) for block in blocks)


def block_rows(start: date) -> Iterator[tuple[str, ...]]:
    """The rows of service_blocks.csv for a hospital whose first appointments are at `start`."""
    opened = start.replace(day=1, month=1, year=start.year - 5).isoformat()
    yesterday = (start - timedelta(days=1)).isoformat()
    for code, (name, price) in PRICES.items():
        status = "RETIRED" if code in RETIRED else "ACTIVE"
        allowed = "INPATIENT" if code == INPATIENT_ONLY else ALL_CASES
        yield code, name, status, opened, yesterday if code == EXPIRED else "", price, allowed


def cost_center_rows() -> Iterator[tuple[str, ...]]:
    """The rows of cost_centers.csv."""
    for department in (*DEPARTMENTS, INACTIVE_COST_CENTER, NO_PHYSICIAN):
        yield f"CC-{department[2:]}", department, "false" if department == INACTIVE_COST_CENTER else "true"


def physician_rows() -> Iterator[tuple[str, ...]]:
    """The rows of responsible_physicians.csv."""
    for department in (*DEPARTMENTS, NO_COST_CENTER, INACTIVE_COST_CENTER):
        yield department, f"PH-{department[2:]}"
