"""What lives for one part of a sync: the region's sheet and FHIR server, and what earlier attempts left open."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from django.conf import settings

from backoffice import queue_server
from backoffice.adapters.fhir import FhirClient, FhirRefused, Options, change_phone, open_client
from backoffice.adapters.pace import PaceUnavailable
from backoffice.adapters.sheets import Sheet, SheetRefused, SheetUnavailable
from backoffice.runs.faults import ConfigError, TransientError
from backoffice.runs.job import Json, Total
from backoffice.runs.models import Run, StepPart
from regions.checks import fhir_token
from regions.connections import sync_values
from regions.keys import country_problem
from regions.models import Region
from regions.of_run import region_of
from regions.sheets import open_sheet, others_of
from regions.sync.marks import marked
from regions.sync.models import PhoneUpdate

PREVIEW, UNDO = "preview", "undo"
BATCH = 100  # rows [S1-08]


@dataclass(kw_only=True)
class Sync:
    """Opened for one part.

    settled: by (patient, what it was given), the changes that an earlier attempt has written and not counted, in turn.
    """

    part: StepPart
    region: Region
    sheet: Sheet
    fhir: FhirClient
    use: str = "mobile"
    settled: dict[tuple[str, str], list[PhoneUpdate]] = field(default_factory=dict)

    @cached_property
    def undeliverable(self) -> dict[str, list[int]]:
        """The numbers of the region to which messages come back, as marks.marked() gives them."""
        return marked(self.region)

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

    def with_phone(self, resource: Json, number: str) -> Json | None:
        """The patient with the number as the phone that the region keeps; None where it has it already."""
        return change_phone(resource, number, self.today(), self.use)

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
    _check(region, values)
    queue = queue_server.url()
    with ExitStack() as opened:
        with refusals_end_the_run():
            key_file = region.deployment.get("credential_file", "")
            sheet = opened.enter_context(open_sheet(values, key_file, queue_url=queue))
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
        yield Sync(part=part, region=region, sheet=sheet, fhir=fhir, use=region.fhir.get("use", "mobile"))


def _check(region: Region, values: Mapping[str, str]) -> None:
    """ConfigError for what no row of the sheet could help: a country without numbers, somebody else's sheet."""
    if problem := country_problem(region.country):
        raise ConfigError(f"Region {region.name}: country {problem}. Correct it in the region file and load it.")
    if others_of(region.name, values):
        raise ConfigError(
            f"Another region has the sheet of {region.name} as well, and each is to have its own: correct "
            "SPREADSHEET_ID or WORKSHEET_ID of one of them (load_region --check names it)."
        )


@contextmanager
def refusals_end_the_run() -> Iterator[None]:
    """What refuses one question refuses every other one too; a sheet that cannot be read has no next row."""
    try:
        yield
    except (FhirRefused, SheetRefused) as error:
        raise ConfigError(str(error)) from None
    except PaceUnavailable as error:
        raise ConfigError(f"{error} Restart the run once it does.") from None
    except SheetUnavailable as fault:
        raise TransientError(f"The sheet cannot be read: {fault}. Restart the run.") from None


def _options(region: Region) -> Options:
    """The region's pace and its server's ways, where it names them; else the specification's."""
    ways = {key: value for key, value in region.fhir.items() if key != "use"}
    usual = replace(Options(), **ways)
    return replace(
        usual,
        requests_per_second=region.pace.get("fhir", usual.requests_per_second),
        entries_per_second=region.pace.get("fhir_entries", usual.entries_per_second),
        connections=region.concurrency_per_run,
        timeout=settings.FHIR_TIMEOUT_SECONDS,
    )
