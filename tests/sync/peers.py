"""A town's patients on a FHIR server, ours or one that others wrote, and a region that syncs its sheet with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl

from backoffice.sandbox.fhir import SYSTEM, FhirServer
from regions.models import Region
from tests.factories import RegionFactory
from tests.fhir import sekmet
from tests.sync.town import Json, Town, hundreds
from tests.sync.world import FAST, HEADER

TOKEN = "a-token-of-the-town"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Where a server is and how to get in; everybody() are its patients as they are."""

    url: str
    env_vars: dict[str, str]
    everybody: Callable[[], dict[str, Json]] = field(repr=False)


@contextmanager
def sandbox(town: Town) -> Iterator[Peer]:
    """Our own server with a fixed token; who is to be gone was never there."""
    there = [patient for patient in town.patients if patient["id"] not in town.gone]
    with FhirServer(there, token=TOKEN) as server:

        def everybody() -> dict[str, Json]:
            return {key: one for key in server.store.everybody() if (one := server.store.read(key))}

        yield Peer(url=server.url, env_vars={"FHIR_API_TOKEN": TOKEN}, everybody=everybody)


@contextmanager
def open_sekmet(town: Town) -> Iterator[Peer]:
    with sekmet.serve() as server:
        yield _filled(server, town, {})


@contextmanager
def guarded_sekmet(town: Town) -> Iterator[Peer]:
    """With OAuth2 and tokens of three seconds."""
    with sekmet.serve(token_seconds=3) as server:
        credentials = {
            "FHIR_TOKEN_URL": server.token_url,
            "FHIR_CLIENT_ID": sekmet.CLIENT,
            "FHIR_CLIENT_SECRET": sekmet.SECRET,
        }
        yield _filled(server, town, credentials)


def _filled(server: sekmet.Sekmet, town: Town, credentials: dict[str, str]) -> Peer:
    for hundred in hundreds(town.patients):
        server.put(hundred)
    server.delete(town.gone)
    keys = [patient["id"] for patient in town.patients]
    return Peer(url=server.url, env_vars=credentials, everybody=lambda: server.everybody(keys))


def region_of(town: Town, peer: Peer, folder: Path, *, url: str = "", name: str = "purbalingga") -> Region:
    """The town's region; `url`: by way of there."""
    sheet = folder / f"{name}.xlsx"
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("Sheet1")
    for row in (HEADER, *town.rows):
        page.append(list(row))
    book.save(sheet)
    region: Region = RegionFactory.create(
        name=name,
        time_zone="Asia/Jakarta",
        country="ID",
        pace=FAST,
        env_vars={
            "FHIR_SERVER_URL": url or peer.url,
            "FHIR_IDENTIFIER_SYSTEM": SYSTEM,
            "SPREADSHEET_ID": str(sheet),
            **peer.env_vars,
        },
    )
    return region
