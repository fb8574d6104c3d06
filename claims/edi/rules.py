"""What must hold of a claim before it is sent, beyond the guide's structure: pyx12 and its like notice none of it.

A rule is a function of claim and standing (a line's rule of the line, too) that yields sentences for an operator: which
field, and what to do; never a patient's data. A problem's code is the rule's name here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from claims.edi import rules_others as others
from claims.edi import rules_parties as parties
from claims.edi import rules_services as services
from claims.edi.claims import Claim, Line
from claims.edi.standing import Standing, service_key

ClaimRule = Callable[[Claim, Standing], Iterator[str]]
LineRule = Callable[[Line, Claim, Standing], Iterator[str]]


class Problem(NamedTuple):
    """Why a claim is refused: the rule's code and one sentence."""

    code: str
    says: str


CLAIM_RULES: dict[str, ClaimRule] = {
    "npi": parties.npi,
    "atypical": parties.atypical,
    "tax_id": parties.tax_id,
    "taxonomy": parties.taxonomy,
    "po_box": parties.po_box,
    "addresses": parties.addresses,
    "phone": parties.phone,
    "names": parties.names,
    "identifiers": parties.identifiers,
    "subscriber_self": parties.subscriber_self,
    "relationship": parties.relationship,
    "sex": parties.sex,
    "coverage": parties.coverage,
    "payer": parties.payer,
    "one_payer": parties.one_payer,
    "facility": parties.facility,
    "other_payer": others.other_payer,
    "other_balance": others.other_balance,
    "transport": others.transport,
    "control": services.control,
    "open_batch": services.open_batch,
    "total": services.total,
    "frequency": services.frequency,
    "original": services.original,
    "place": services.place,
    "answers": services.answers,
    "accident": services.accident,
    "authorisation": services.authorisation,
    "patient_paid": services.patient_paid,
    "diagnoses": services.diagnoses,
    "icd": services.icd,
    "birth": services.birth,
    "events": services.events,
    "filing_window": services.filing_window,
    "edits": services.edits,
    "number_of_lines": services.number_of_lines,
    "line_controls": services.line_controls,
    "duplicate_service": services.duplicate_service,
}
LINE_RULES: dict[str, LineRule] = {
    "procedure": services.procedure,
    "modifiers": services.modifiers,
    "charge": services.charge,
    "units": services.units,
    "pointers": services.pointers,
    "dates": services.dates,
    "drug": services.drug,
}

TWICE = "Another claim of the batch has the same service on the same day: remove one, or add modifier 76, 77, 91 or 59."


def problems(claim: Claim, standing: Standing) -> list[Problem]:
    """All that keeps a claim from being sent; empty if it may be."""
    found = [Problem(code, says) for code, rule in CLAIM_RULES.items() for says in rule(claim, standing)]
    for number, line in enumerate(claim.lines, 1):
        for code, rule in LINE_RULES.items():
            found += [Problem(code, f"Line {number}: {says}") for says in rule(line, claim, standing)]
    return found


def checked(claims: Iterable[Claim], standing: Standing) -> Iterator[tuple[Claim, list[Problem]]]:
    """Each claim of a batch with its problems, those among them that it has with the batch's earlier good claims.

    What is kept of a claim is its control number and a hash of each of its services, of 64 bits: among the services of
    a batch no two are alike by chance.
    """
    controls: set[str] = set()
    services_of: set[int] = set()
    for claim in claims:
        found = problems(claim, standing)
        keys = {hash(key) for line in claim.lines if (key := service_key(claim, line))}
        if claim.control in controls:
            found.append(
                Problem("control", "Another claim of the batch has this control number (CLM01): give it a new one.")
            )
        if claim.frequency == "1" and not keys.isdisjoint(services_of):
            found.append(Problem("duplicate_service", TWICE))
        if not found:
            controls.add(claim.control)
            services_of |= keys
        yield claim, found
