"""One region whose services are recovered, claimed, sent, adjudicated by its own pipeline, paid and posted."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db.models import QuerySet, Sum
from django.utils import timezone

from backoffice.runs.models import Run, RunStatus
from backoffice.sandbox.hospital import Hospital
from backoffice.sandbox.hospital.billing import PAYER, write_billing
from backoffice.sandbox.hospital.generate import generate
from billing.loading import load as load_billing
from billing.models import Claim, ClaimLine
from claims.models import AdjudicatedClaim, RemittanceDocument
from claims.pipeline.load import load as load_tables
from clinic.models import ServiceWrite, WriteState
from regions.models import Region
from tests.billing.sending import Office
from tests.billing.world import claim_services
from tests.claims.folders import run_night
from tests.recovery.running import recover
from tests.running import finish, start

TOKEN = "a-token-of-the-hospital"


@dataclass(kw_only=True)
class Loop:
    """What each hand-over has come to; amounts in dollars."""

    office: Office
    folder: Path

    @property
    def region(self) -> Region:
        return self.office.region

    def recovered(self, appointments: int) -> Decimal:
        """Services that a sandbox hospital never billed, billed."""
        today = timezone.now().date()
        generate(self.folder / "hospital", appointments=appointments, end=today, start=today - timedelta(days=30))
        with Hospital(self.folder / "hospital", token=TOKEN) as hospital:
            secrets = {"HOSPITAL_GRAPHQL_URL": hospital.url, "HOSPITAL_API_TOKEN": TOKEN}
            self.region.env_vars = {**self.region.env_vars, **secrets}
            self.region.save()
            assert recover(self.region, days=31).status == RunStatus.COMPLETE
        return total(ServiceWrite.objects.filter(region=self.region, state=WriteState.WRITTEN), "value")

    def claimed(self) -> Decimal:
        """Claims of them, judged."""
        write_billing(self.folder / "hospital", self.folder / "billing")
        load_billing(self.folder / "billing", self.region)
        assert claim_services(self.region).status == RunStatus.COMPLETE
        return total(Claim.objects.filter(region=self.region, state="validated"), "charge")

    def staged(self) -> None:
        """What the clearinghouse has taken, into the pipeline, by whose tables the sandbox hospital's payers pay."""
        load_tables(self.folder / "billing" / PAYER, self.region)
        inbox = self.folder / "taken"
        inbox.mkdir(exist_ok=True)
        for name, content in self.office.taken.items():
            (inbox / name).write_bytes(content)
        call_command("stage_claims", str(inbox), "--region", self.region.name, verbosity=0)

    def adjudicated(self) -> Decimal:
        """A night; what it pays."""
        assert run_night(self.region, run_date=self.run_date).status == RunStatus.COMPLETE
        cents = AdjudicatedClaim.objects.aggregate(paid=Sum("paid"))["paid"] or 0
        standing = RemittanceDocument.objects.filter(region=self.region, voided_at=None)
        assert cents == sum(standing.values_list("paid", flat=True))
        return Decimal(cents) / 100

    @property
    def run_date(self) -> date:
        """Today in the region: a night that is still to come is refused."""
        return timezone.localdate(timezone=self.region.zone)

    def remittances(self, folder: str = "night") -> dict[str, bytes]:
        """The night's 835s, by name; exported into a folder of that name."""
        output = self.folder / folder
        call_command(
            "export_pipeline", region=self.region.name, run_date=self.run_date.isoformat(), output=output, verbosity=0
        )
        return {file.name: file.read_bytes() for file in sorted((output / "remittances-835").iterdir())}

    def put(self, name: str, content: bytes) -> None:
        """Into the clearinghouse's outbound, as a payer's file comes there."""
        (self.office.server.desk.outbound / name).write_bytes(content)

    def posted(self) -> Decimal:
        return total(Claim.objects.filter(region=self.region), "paid")


def total(rows: QuerySet[Any], column: str) -> Decimal:
    found: Decimal | None = rows.aggregate(sum=Sum(column))["sum"]
    return found or Decimal(0)


def listed_and_processed(region: Region) -> tuple[Run, Run]:
    listed, processed = (finish(start(job, region)) for job in ("list_claim_files", "process_claim_files"))
    return listed, processed


def states_of(region: Region) -> Counter[str]:
    return Counter(Claim.objects.filter(region=region).exclude(state="draft").values_list("state", flat=True))


def lines_paid(region: Region) -> Decimal:
    return total(ClaimLine.objects.filter(claim__region=region), "paid")
