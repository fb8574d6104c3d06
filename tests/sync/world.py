"""A region with a sheet of phones and a FHIR server, and runs of the sync over them to their end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backoffice.runs.models import Run
from backoffice.sandbox.fhir import SYSTEM, FhirServer
from backoffice.sandbox.fhir.outcome import Problem
from backoffice.sandbox.http import Request
from backoffice.sandbox.sheets import SheetsServer
from regions.models import PhoneRow, Region
from tests.factories import RegionFactory
from tests.fhir.world import DUPLICATE, FOREIGN, INACTIVE, MERGED, NO_PHONE, ORDINARY, RICH, Json, snapshot
from tests.running import finish, start
from tests.sheets.world import write_xlsx, xlsx_statuses

HEADER = ("source", "identifier", "phone_number", "name", "status_update_phone_number", "facility")
STATUS_COLUMN = 5
OUT_OF_USE = "3300000000007777"
FAST = {"fhir": 2000, "fhir_entries": 100_000}


@dataclass(kw_only=True)
class Place:
    """One region with what it connects to. `before`: its patients as they were."""

    region: Region
    server: FhirServer
    sheet: Path
    before: dict[str, Json] = field(default_factory=dict)

    def outcomes(self, run: Run) -> dict[int, str]:
        rows = PhoneRow.objects.filter(run__chain=run.chain)
        return dict(rows.values_list("row", "outcome"))

    def statuses(self) -> list[Any]:
        return xlsx_statuses(self.sheet, STATUS_COLUMN)

    def carriers(self, identifier: str) -> list[Json]:
        """The patients that carry the value, in our system or another, as they are."""
        keys = [key for key, one in self.before.items() if identifier in [i["value"] for i in one["identifier"]]]
        return [one for key in keys if (one := self.server.store.read(key))]


def place_of(tmp_path: Path, server: FhirServer, rows: Sequence[Sequence[Any]], *, name: str, token: str) -> Place:
    """A region of Java whose sheet has these rows: source, identifier, phone."""
    sheet = write_xlsx(tmp_path / f"{name}.xlsx", [HEADER, *rows])
    region = RegionFactory.create(
        name=name,
        time_zone="Asia/Jakarta",
        country="ID",
        pace=FAST,
        env_vars={
            "FHIR_SERVER_URL": server.url,
            "FHIR_API_TOKEN": token,
            "FHIR_IDENTIFIER_SYSTEM": SYSTEM,
            "SPREADSHEET_ID": str(sheet),
        },
    )
    return Place(region=region, server=server, sheet=sheet, before=snapshot(server.store))


def google_place_of(
    tmp_path: Path, settings: Any, server: FhirServer, sheets: SheetsServer, *, name: str, token: str, **pace: float
) -> Place:
    """The same region with a spreadsheet of Google's in the place of a workbook."""
    place = place_of(tmp_path, server, [], name=name, token=token)
    settings.SHEETS_URL = sheets.url
    key_file = sheets.make_key_file(tmp_path / f"{name}.json")
    place.region.env_vars = {**place.region.env_vars, "SPREADSHEET_ID": sheets.spreadsheet}
    place.region.deployment = {"credential_file": str(key_file)}
    place.region.pace = {**FAST, **pace}
    place.region.save()
    return place


def refill(place: Place, rows: Sequence[Sequence[Any]]) -> None:
    """Give the sheet these rows: source, identifier, phone."""
    write_xlsx(place.sheet, [HEADER, *rows])


def revoke_after(server: FhirServer, requests: int) -> None:
    """After so many requests, no token is good any more."""
    allows, left = server.tokens.allows, [requests]

    def allows_for_now(request: Request) -> bool:
        left[0] -= 1
        return left[0] >= 0 and allows(request)

    server.tokens.allows = allows_for_now  # type: ignore[method-assign]


def refuse_writes_of(server: FhirServer, key: str) -> None:
    """The server finds fault with that patient whenever it is to be written."""
    put = server.store.put

    def put_or_refuse(patient: Json, **options: Any) -> int:
        if patient["id"] == key:
            raise Problem(422, "invariant", "the patient is not as it should be")
        return put(patient, **options)

    server.store.put = put_or_refuse  # type: ignore[method-assign]


# A row of each kind, and what is to become of it: row 2 is the first.
MIXED: list[tuple[tuple[Any, ...], str, str]] = [
    (("WhatsApp", ORDINARY[0], "0812-3456-7801"), "updated", "success"),
    (("survey", DUPLICATE, 81234567802), "updated", "success"),
    (("survey", FOREIGN, "081234567803"), "not_found", "failed: patient not found ["),
    (("survey", OUT_OF_USE, "081234567814"), "ambiguous", "failed: the identifier is another system's or out of use ["),
    (("survey", MERGED, "081234567804"), "inactive_or_merged", "failed: the patient is merged ["),
    (("survey", INACTIVE, "081234567805"), "inactive_or_merged", "failed: the patient is inactive ["),
    (("survey", "3300000000009999", "081234567806"), "not_found", "failed: patient not found ["),
    (("front desk", ORDINARY[1], "8.12346E+10"), "invalid_phone", "failed: invalid phone: digits lost ["),
    (("front desk", ORDINARY[2], ""), "invalid_phone", "failed: invalid phone: empty ["),
    (
        ("front desk", 3303010000000000, "081234567807"),
        "invalid_identifier",
        "failed: invalid identifier: digits lost [",
    ),
    (("front desk", "", "081234567808"), "invalid_identifier", "failed: invalid identifier: empty ["),
    (("WhatsApp", NO_PHONE, "+62 812 3456 7809"), "updated", "success"),
    (("WhatsApp", RICH, "0812 3456 7810 / 0813 1111 2222"), "updated", "success"),
    (("WhatsApp", ORDINARY[3], "081234567811"), "updated", "success"),
    (("WhatsApp", ORDINARY[3], "081234567812"), "updated", "success"),
    (("WhatsApp", ORDINARY[4], "081234567813"), "updated", "success"),
    (("survey", ORDINARY[4], "+6281234567813"), "unchanged", "unchanged"),
]
# Identifier → its number in the end.
NUMBERS = {
    ORDINARY[0]: "+6281234567801",
    DUPLICATE: "+6281234567802",
    NO_PHONE: "+6281234567809",
    RICH: "+6281234567810",
    ORDINARY[3]: "+6281234567812",
    ORDINARY[4]: "+6281234567813",
}


def sync(region: Region, **parameters: Any) -> Run:
    """A new chain, worked to its end."""
    return finish(start("sync_phones", region, **parameters))
