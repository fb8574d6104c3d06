"""What a claim is judged against beside itself. Loaded by who asks; plain values here."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date

from claims.edi.claims import Claim, Line

REPEATED = {"59", "76", "77", "91"}  # modifiers that say: done again on purpose
ServiceKey = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PayerStanding:
    """A payer of the clearinghouse's list: the days to file in, and whether the provider is enrolled with it."""

    filing_days: int
    enrolled: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """`payers`: the clearinghouse's list by payer id. `open_controls`: CLM01s in batches that are still open, and
    `sent`: the services (service_key) of claims sent before that stand. `edits`: the optional checks of sex and age."""

    today: date
    payers: Mapping[str, PayerStanding]
    open_controls: Container[str] = ()
    sent: Container[ServiceKey] = ()
    edits: bool = False


def service_key(claim: Claim, line: Line) -> ServiceKey | None:
    """Patient, provider, dates, procedure and modifiers; None where a modifier says that it was done again."""
    if not REPEATED.isdisjoint(line.modifiers):
        return None
    patient = claim.patient
    who = (patient.name.last, patient.name.first, patient.birth_date.isoformat()) if patient else ("", "", "")
    provider = (claim.rendering and claim.rendering.npi) or claim.billing.npi or claim.billing.tax_id
    days = (line.begins.isoformat(), (line.ends or line.begins).isoformat())
    return (claim.subscriber.member_id, *who, provider, *days, line.procedure, *sorted(line.modifiers))
