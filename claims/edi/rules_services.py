"""Rules on the claim, its diagnoses and its lines. Each gives a sentence that says what to do, or nothing."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from claims.edi.claims import Claim, Line
from claims.edi.clean import clean, is_clean
from claims.edi.rules_parties import STATES
from claims.edi.standing import Standing, service_key

CONTROL = re.compile(r"[A-Z0-9]{1,13}")
MOST = Decimal(10) ** 8  # dollars: eight digits before the point
MOST_LINES, MOST_DIAGNOSES = 50, 12
ICD10 = re.compile(r"[A-Z][0-9][0-9AB][0-9A-Z]{0,4}")
ICD9 = re.compile(r"[0-9]{3,5}|E9[0-9]{2,3}|V[0-9]{2,4}")  # ICD-10-CM's own V codes have seven characters
PROCEDURE = re.compile(r"[0-9]{4}[0-9AFMTU]|[A-V][0-9]{4}")
MODIFIER = re.compile(r"[A-Z0-9]{2}")
DRUG_UNITS = {"F2", "GR", "ME", "ML", "UN"}
NDC = re.compile(r"[0-9]{11}")
PLACE_NUMBERS = (*range(1, 28), *range(31, 35), 41, 42, *range(49, 59), 60, 61, 62, 65, 66, 71, 72, 81, 99)
PLACES = {f"{number:02d}" for number in PLACE_NUMBERS}
PREGNANCY, BIRTH = re.compile(r"O|Z3[34]"), re.compile(r"Z38")


def control(claim: Claim, standing: Standing) -> Iterator[str]:
    if not CONTROL.fullmatch(claim.control):
        yield "The claim's control number (CLM01) must be 1 to 13 capital letters and digits: give it a new one."


def open_batch(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.control in standing.open_controls:
        yield "The claim is already in a batch that is still open: wait for that batch, or withdraw it there."


def total(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.charge != sum((line.charge for line in claim.lines), Decimal(0)):
        yield "The claim's charge (CLM02) is not the sum of its lines' (SV102): correct one or the other."


def frequency(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.frequency not in {"1", "6", "7", "8"}:
        yield "The frequency (CLM05-3) must be 1 original, 6 corrected, 7 replacement or 8 void: correct it."


def original(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.frequency in {"7", "8"} and not claim.original:
        yield "A replacement or a void needs the payer's claim number (REF F8): take it from its remittance."
    if claim.frequency == "1" and claim.original:
        yield "An original (CLM05-3) has no payer's claim number (REF F8): make it a replacement, or remove the number."


def place(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.place not in PLACES or any(line.place and line.place not in PLACES for line in claim.lines):
        yield "A place of service (CLM05-1, SV105) must be one of CMS's two-digit codes: correct it."


def answers(claim: Claim, standing: Standing) -> Iterator[str]:
    given = (claim.assignment, claim.benefits, claim.release)
    if any(code not in allowed for code, allowed in zip(given, ("ABC", "NWY", "IY"), strict=True)) or not all(given):
        yield "Assignment (CLM07) is A, B or C, benefits (CLM08) Y, N or W, release (CLM09) Y or I: correct it."


def accident(claim: Claim, standing: Standing) -> Iterator[str]:
    happened = claim.accident
    if happened and (happened.cause not in {"AA", "EM", "OA"} or (happened.cause == "AA" and not happened.state)):
        yield "An accident (CLM11) is AA, EM or OA, and AA needs the state where it happened (CLM11-4): complete it."
    if happened and happened.state and happened.state not in STATES:
        yield "The state of the accident (CLM11-4) must be a state's two capital letters: correct it."


def authorisation(claim: Claim, standing: Standing) -> Iterator[str]:
    if claim.referral and claim.referral == claim.authorisation:
        yield "Referral (REF 9F) and prior authorisation (REF G1) have the same number: leave it in one of them."


def patient_paid(claim: Claim, standing: Standing) -> Iterator[str]:
    if fault := money(claim.patient_paid):
        yield f"What the patient has paid (AMT F5) {fault}."


def diagnoses(claim: Claim, standing: Standing) -> Iterator[str]:
    if not 1 <= len(claim.diagnoses) <= MOST_DIAGNOSES:
        yield f"A claim needs 1 to {MOST_DIAGNOSES} diagnoses (HI), a non-medical one as well: enter or remove some."
    if len(set(claim.diagnoses)) < len(claim.diagnoses):
        yield "A diagnosis (HI) stands twice: remove one of the two, and mind the lines' pointers."


def icd(claim: Claim, standing: Standing) -> Iterator[str]:
    """One sentence for the first of the codes that are wrong in the same way."""
    codes = claim.diagnoses
    if any("." in code for code in codes):
        yield "A diagnosis (HI) is written with its point: leave the point out."
    if any(ICD9.fullmatch(code) for code in codes):
        yield "A diagnosis (HI) is an ICD-9 code: enter the ICD-10-CM code."
    if any(not ICD10.fullmatch(code.replace(".", "")) and not ICD9.fullmatch(code) for code in codes):
        yield "A diagnosis (HI) has not the form of an ICD-10-CM code in capital letters: correct it."


def birth(claim: Claim, standing: Standing) -> Iterator[str]:
    born = claim.birth_date
    if born and born > standing.today:
        yield "The patient's birth date (DMG02) lies in the future: correct it."
    elif born and any(line.begins < born for line in claim.lines):
        yield "A service date (DTP 472) lies before the patient's birth (DMG02): correct the one that is wrong."


def events(claim: Claim, standing: Standing) -> Iterator[str]:
    days = {
        "accident (DTP 439)": claim.accident.on if claim.accident else None, "onset (DTP 431)": claim.onset,
        "admission (DTP 435)": claim.admitted, "discharge (DTP 096)": claim.discharged,
    }  # fmt: skip
    for event, day in days.items():
        if day and day > standing.today:
            yield f"The day of the {event} lies in the future: correct it."
    if claim.discharged and not (claim.admitted and claim.admitted <= claim.discharged):
        yield "The discharge (DTP 096) needs an admission (DTP 435) on the same day or before: correct the dates."


def filing_window(claim: Claim, standing: Standing) -> Iterator[str]:
    """Originals only: for a replacement payers count from their remittance."""
    payer = standing.payers.get(claim.payer.payer_id)
    first = min((line.begins for line in claim.lines), default=standing.today)
    if payer and claim.frequency == "1" and standing.today > first + timedelta(days=payer.filing_days):
        days = payer.filing_days
        yield f"The payer takes claims for {days} days after the service (DTP 472), now over: appeal or write it off."


def edits(claim: Claim, standing: Standing) -> Iterator[str]:
    """Optional: what a patient of that sex or age cannot have."""
    if not standing.edits:
        return
    if claim.sex == "M" and any(PREGNANCY.match(code) for code in claim.diagnoses):
        yield "A diagnosis of pregnancy or birth (HI) stands with a male patient (DMG03): correct one of them."
    born, first = claim.birth_date, min((line.begins for line in claim.lines), default=standing.today)
    if born and first > born + timedelta(days=365) and any(BIRTH.match(code) for code in claim.diagnoses):
        yield "A diagnosis of the newborn (HI Z38) stands with an older patient (DMG02): correct one of them."


def number_of_lines(claim: Claim, standing: Standing) -> Iterator[str]:
    if not 1 <= len(claim.lines) <= MOST_LINES:
        yield f"A claim has 1 to {MOST_LINES} lines (LX): split it, or add what was done."


def line_controls(claim: Claim, standing: Standing) -> Iterator[str]:
    controls = [line.control for line in claim.lines]
    if len(set(controls)) < len(controls):
        yield "Two lines have the same control number (REF 6R): give each its own."
    if not all(is_clean(text, 30) for text in controls):
        yield "A line's control number (REF 6R) must be 1 to 30 capital letters, digits or plain marks: correct it."


def duplicate_service(claim: Claim, standing: Standing) -> Iterator[str]:
    """In the claim itself, or as an original beside one that was sent."""
    keys = Counter(key for line in claim.lines if (key := service_key(claim, line)))
    if any(times > 1 for times in keys.values()):
        yield "Two lines are the same service on the same day: remove one, or add modifier 76, 77, 91 or 59."
    if claim.frequency == "1" and any(key in standing.sent for key in keys):
        yield "A service of this claim was sent before: send a replacement (7), or add modifier 76, 77, 91 or 59."


def procedure(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    if not PROCEDURE.fullmatch(line.procedure):
        yield "the procedure (SV101-2) has not the form of a CPT or HCPCS code: correct it."
    elif line.procedure.endswith("99") and not clean(line.description, 80):
        yield "an unlisted procedure (SV101-2) needs a description (SV101-7): say what was done."


def modifiers(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    if len(line.modifiers) > 4 or not all(MODIFIER.fullmatch(text) for text in line.modifiers):
        yield "modifiers (SV101-3 to 6) are at most four of two capital letters or digits: correct them."


def charge(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    if fault := money(line.charge):
        yield f"the charge (SV102) {fault}."


def units(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    quantity = line.quantity
    if not quantity.is_finite() or not 0 < quantity < MOST or quantity != round(quantity, 3):
        yield "units (SV104) must be more than 0 with at most three decimals: correct them."
    if line.unit not in {"UN", "MJ"}:
        yield "the unit (SV103) must be UN, or MJ for minutes of anaesthesia: correct it."


def pointers(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    if not 1 <= len(line.pointers) <= 4 or len(set(line.pointers)) < len(line.pointers):
        yield "1 to 4 different diagnoses must be pointed to (SV107): correct the pointers."
    if not all(1 <= pointer <= len(claim.diagnoses) for pointer in line.pointers):
        yield "a pointer (SV107) names a diagnosis that the claim does not have (HI): correct it or add the diagnosis."


def dates(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    last = line.ends or line.begins
    if last < line.begins:
        yield "the service ends before it begins (DTP 472 RD8): exchange or correct the dates."
    if max(last, line.begins) > standing.today:
        yield "the service date (DTP 472) lies in the future: send the claim afterwards, or correct the date."


def drug(line: Line, claim: Claim, standing: Standing) -> Iterator[str]:
    if line.ndc and not (NDC.fullmatch(line.ndc) and 0 < line.ndc_quantity < MOST and line.ndc_unit in DRUG_UNITS):
        yield "a drug needs its NDC of eleven digits (LIN03), a quantity (CTP04) and F2, GR, ME, ML or UN: complete it."


def money(amount: Decimal) -> str:
    """What is wrong with a charge or payment; empty if nothing."""
    if not amount.is_finite() or amount < 0:
        return "must not be negative: correct it"
    if amount >= MOST:
        return "has more than eight digits before the point: split the claim or correct it"
    return "has more than two decimals: round it to the cent" if amount != round(amount, 2) else ""
