"""What lives for one part of a sync: the region's sheet and FHIR server, and what earlier attempts left open."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from django.conf import settings

from backoffice.adapters.fhir import FhirClient, FhirRefused, Options, open_client
from backoffice.adapters.pace import PaceUnavailable
from backoffice.adapters.sheets import Sheet, SheetRefused, SheetUnavailable, Workbook, is_workbook
from backoffice.runs.faults import ConfigError, TransientError
from backoffice.runs.job import Json, Total
from backoffice.runs.models import Run, StepPart
from regions.checks import fhir_token
from regions.connections import sync_values
from regions.models import Region
from regions.sync.models import PhoneUpdate

PREVIEW, UNDO = "preview", "undo"
BATCH = 100  # rows [S1-08]


@dataclass(kw_only=True)
class Sync:
    """Opened for one part.

    settled: by (patient, what it has now), the changes that an earlier attempt has written and not counted.
    """

    part: StepPart
    region: Region
    sheet: Sheet
    fhir: FhirClient
    settled: dict[tuple[str, str], PhoneUpdate] = field(default_factory=dict)

    @cached_property
    def run(self) -> Run:
        return self.part.run

    @property
    def parameters(self) -> Json:
        return dict(self.run.parameters)

    @property
    def preview(self) -> bool:
        return bool(self.run.parameters["mode"] == PREVIEW)

    @property
    def undo(self) -> bool:
        return bool(self.run.parameters["mode"] == UNDO)

    def today(self) -> date:
        return datetime.now(self.region.zone).date()

    def take_counts(self) -> dict[str, Total]:
        """Calls since the last take, as the run's totals name them."""
        counts: Counter[str] = Counter()
        for system, calls in (("fhir", self.fhir.take_calls()), ("sheet", self.sheet.take_calls())):
            for kind, number in calls.items():
                counts["retries" if kind == "retries" else f"calls.{system}_{kind}"] += number
        return dict(counts)


@contextmanager
def open_sync(part: StepPart) -> Iterator[Sync]:
    """Connect to the region's sheet and server; ConfigError says what the region lacks."""
    region = region_of(part)
    values = sync_values(region)
    queue = str(settings.RQ_QUEUES["default"]["URL"])
    with ExitStack() as opened:
        with refusals_end_the_run():
            sheet = opened.enter_context(closing(_sheet(opened, region, values["SPREADSHEET_ID"], queue)))
            fhir = opened.enter_context(
                open_client(
                    region.name,
                    values["FHIR_SERVER_URL"],
                    fhir_token(values),
                    system=values["FHIR_IDENTIFIER_SYSTEM"],
                    redis_url=queue,
                    options=_options(region),
                    correlation_id=part.run.correlation_id,
                )
            )
        yield Sync(part=part, region=region, sheet=sheet, fhir=fhir)


def region_of(part: StepPart) -> Region:
    """The run's region; the job's parameters have seen to it that there is one."""
    region: Region | None = part.run.region
    if region is None:
        raise ConfigError("The phone sync needs a region.")
    return region


@contextmanager
def refusals_end_the_run() -> Iterator[None]:
    """What refuses one question refuses every other one too; a sheet that cannot be read has no next row."""
    try:
        yield
    except (FhirRefused, SheetRefused, PaceUnavailable) as error:
        raise ConfigError(str(error)) from None
    except SheetUnavailable as fault:
        raise TransientError(f"The sheet cannot be read: {fault}. Restart the run.") from None


def _options(region: Region) -> Options:
    """The region's pace, where it names one; else the specification's."""
    usual = Options()
    return Options(
        requests_per_second=region.pace.get("fhir", usual.requests_per_second),
        entries_per_second=region.pace.get("fhir_entries", usual.entries_per_second),
        connections=region.concurrency_per_run,
        timeout=settings.FHIR_TIMEOUT_SECONDS,
    )


def _sheet(opened: ExitStack, region: Region, address: str, queue: str) -> Sheet:
    """A workbook by its path, which begins at NIGHTWARD_HOME where it is relative; else a spreadsheet of Google's."""
    worksheet = region.env_vars.get("WORKSHEET_ID", "")
    if is_workbook(address):
        return Workbook(Path(settings.NIGHTWARD_HOME, address), worksheet)
    from backoffice.adapters.sheets.google import GoogleSheet, Quota
    from backoffice.adapters.sheets.google_wire import account_of

    key_file = region.deployment.get("credential_file", "")
    if not key_file:
        raise ConfigError(f"Region {region.name} lacks credential_file, the service account's key: add it, load it.")
    account = account_of(Path(settings.NIGHTWARD_HOME, key_file))
    quota = opened.enter_context(closing(Quota(queue, account.service_account_email)))
    return GoogleSheet(account, address, worksheet, quota=quota, base_url=settings.SHEETS_URL)
