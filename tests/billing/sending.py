"""A region with a clearinghouse, claims that are validated, and submissions to their end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from backoffice.runs.models import Run
from backoffice.sandbox.clearinghouse import ClearinghouseServer
from billing.content import stored
from billing.events import record
from billing.making.rows import digest
from billing.models import Batch, BillingPayer, Claim, ClaimEvent, ClaimLine, Document
from claims.edi import claims as edi
from claims.edi.standing import service_key
from claims.edi.status import State
from regions.models import Region
from tests.edi import made
from tests.factories import RegionFactory
from tests.running import finish, start

PASSWORD = "a-password-of-the-clearinghouse"


@dataclass(kw_only=True)
class Office:
    """A region and the clearinghouse that it sends to."""

    region: Region
    server: ClearinghouseServer

    @property
    def taken(self) -> dict[str, bytes]:
        """The files that the clearinghouse has, by name: still in inbound, or taken."""
        desk = self.server.desk
        folders = (desk.inbound, desk.home.parent / "taken")
        return {file.name: file.read_bytes() for folder in folders for file in folder.iterdir() if file.is_file()}


def office_of(server: ClearinghouseServer, *, name: str = "nebraska", **told: object) -> Office:
    """With the usual settings of the sandbox, no long waits, and the payers of made-up claims."""
    usual = {**server.region_file()["clearinghouse"], "timeout": 5, **told}
    region = RegionFactory.create(name=name, clearinghouse=usual, env_vars={"SFTP_PASSWORD": PASSWORD})
    BillingPayer.objects.bulk_create(
        BillingPayer(region=region, payer_id=payer, name=payer, filing_days=36_600) for payer in made.PAYERS
    )
    return Office(region=region, server=server)


def validated(region: Region, claims: Sequence[edi.Claim]) -> list[Claim]:
    """Claims as they are when they wait to be batched."""
    rows = [_claim(region, claim) for claim in claims]
    record(ClaimEvent(claim=row, key="validated", state=State.VALIDATED) for row in rows)
    return rows


def _claim(region: Region, claim: edi.Claim) -> Claim:
    days = [day for line in claim.lines for day in (line.begins, line.ends or line.begins)]
    row = Claim(
        region=region,
        control=claim.control,
        kind=claim.kind,
        patient_id="patient",
        payer_id=claim.payer.payer_id,
        provider=claim.billing.npi,
        first_day=min(days),
        last_day=max(days),
        charge=claim.charge,
    )
    row.content = stored(claim)
    row.save()
    for number, line in enumerate(claim.lines, 1):
        ClaimLine.objects.create(
            claim=row,
            number=number,
            control=line.control,
            procedure=line.procedure,
            modifiers=" ".join(line.modifiers),
            charge=line.charge,
            quantity=line.quantity,
            first_day=line.begins,
            last_day=line.ends or line.begins,
            service_key=digest(service_key(claim, line)),
        )
    return row


def some_claims(medical: int, others: int, *, seed: int = 1) -> list[edi.Claim]:
    """Of both kinds, mixed, each with a control number of its own."""
    of_kinds = {
        "M": made.claims(edi.Kind.MED, medical, seed=seed),
        "X": made.claims(edi.Kind.NONMED, others, seed=seed),
    }
    claims = [replace(one, control=f"{kind}{one.control[1:]}") for kind, several in of_kinds.items() for one in several]
    Random(seed).shuffle(claims)
    return claims


def submit(region: Region) -> Run:
    return finish(start("submit_claims", region))


def content_of(document: Document) -> bytes:
    return b"".join(part.content.encode("latin-1") for part in document.parts.order_by("number"))


def total(batches: Sequence[Batch]) -> Decimal:
    return sum((batch.charge for batch in batches), Decimal(0))
