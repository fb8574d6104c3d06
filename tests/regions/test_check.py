"""load_region --check: every endpoint is asked once, what works is said, nothing is changed."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backoffice.sandbox.fhir import FhirServer
from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.quota import Quota
from regions.models import Region
from tests.factories import RegionFactory
from tests.sheets.world import write_xlsx
from tests.sync.world import HEADER

TOKEN = "s3cret-of-the-hospital"

pytestmark = pytest.mark.django_db


@pytest.fixture
def peer(httpserver: HTTPServer) -> HTTPServer:
    """A hospital and a FHIR server that take TOKEN and no other."""

    def answer(body: Any) -> Any:
        def handler(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return Response(status=401)
            return Response(json.dumps(body), content_type="application/json")

        return handler

    httpserver.expect_request("/graphql").respond_with_handler(answer({"data": {"serviceConfiguration": None}}))
    httpserver.expect_request("/fhir/Patient").respond_with_handler(answer({"resourceType": "Bundle", "total": 0}))
    return httpserver


def check(folder: Path, more: Any = None, **env_vars: str) -> list[str]:
    file = folder / "region.json"
    document = {"name": "purbalingga", "time_zone": "Asia/Jakarta", **(more or {}), "env_vars": env_vars}
    file.write_text(json.dumps(document))
    out = StringIO()
    try:
        call_command("load_region", str(file), check=True, stdout=out)
    except CommandError as error:
        return [*out.getvalue().splitlines(), f"{error} (status {error.returncode})"]
    return out.getvalue().splitlines()


def test_endpoints_that_work_are_said_to(peer: HTTPServer, tmp_path: Path) -> None:
    lines = check(
        tmp_path,
        HOSPITAL_GRAPHQL_URL=peer.url_for("/graphql"),
        HOSPITAL_API_TOKEN=TOKEN,
        FHIR_SERVER_URL=peer.url_for("/fhir/"),
        FHIR_API_TOKEN=TOKEN,
    )
    assert lines == ["purbalingga: hospital: works", "purbalingga: FHIR server: works"]
    assert len(peer.log) == 2
    assert not Region.objects.exists()


def test_a_refused_token_is_told_apart_and_not_shown(peer: HTTPServer, tmp_path: Path) -> None:
    lines = check(
        tmp_path,
        HOSPITAL_GRAPHQL_URL=peer.url_for("/graphql"),
        HOSPITAL_API_TOKEN="wr0ng-token",
        FHIR_SERVER_URL=peer.url_for("/fhir"),
        FHIR_API_TOKEN="wr0ng-token",
    )
    assert (
        lines[1]
        == "purbalingga: FHIR server: The FHIR server refuses the token (HTTP 401): give the region a valid one."
    )
    assert lines[2] == "purbalingga: hospital, FHIR server did not work; nothing was changed (status 1)"
    assert "wr0ng-token" not in "".join(lines)


def test_client_credentials_are_tried_at_their_token_server(tmp_path: Path) -> None:
    with FhirServer([], clients={"nightward": "s3cret"}) as server:
        values = {"FHIR_SERVER_URL": server.url, "FHIR_TOKEN_URL": server.token_url, "FHIR_CLIENT_ID": "nightward"}
        assert check(tmp_path, **values, FHIR_CLIENT_SECRET="s3cret") == ["purbalingga: FHIR server: works"]
        refused = check(tmp_path, **values, FHIR_CLIENT_SECRET="wr0ng-secret")
    assert "The token server refuses the client (HTTP 401)" in refused[0]
    assert "wr0ng-secret" not in "".join(refused)


def test_an_endpoint_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    lines = check(tmp_path, FHIR_SERVER_URL="http://127.0.0.1:9/fhir")
    assert lines[0] == (
        "purbalingga: FHIR server: does not work (connection): see that it runs, or correct FHIR_SERVER_URL"
    )


def test_a_workbook_is_opened_and_its_columns_are_found(tmp_path: Path) -> None:
    book = write_xlsx(tmp_path / "phones.xlsx", [HEADER])
    assert check(tmp_path, SPREADSHEET_ID=str(book)) == ["purbalingga: sheet: works, statuses go to column E"]
    write_xlsx(book, [["identifier", "name"]])
    assert "lacks the column phone_number" in check(tmp_path, SPREADSHEET_ID=str(book))[0]
    assert check(tmp_path, SPREADSHEET_ID="/nowhere/phones.csv")[0].startswith("purbalingga: sheet: ")


def test_a_sheet_that_another_region_names_as_well_is_said_to(tmp_path: Path) -> None:
    """S1-02: a run of either would refuse it."""
    book = write_xlsx(tmp_path / "phones.xlsx", [HEADER])
    RegionFactory.create(name="lombok-barat", env_vars={"SPREADSHEET_ID": str(book), "WORKSHEET_ID": "Sheet1"})
    assert check(tmp_path, SPREADSHEET_ID=str(book)) == [
        "purbalingga: sheet: region lombok-barat names it as well, so that neither is synced: correct SPREADSHEET_ID "
        "or WORKSHEET_ID of one of them",
        "purbalingga: sheet did not work; nothing was changed (status 1)",
    ]
    assert "works" in check(tmp_path, {"name": "lombok-barat"}, SPREADSHEET_ID=str(book))[0]


def test_a_spreadsheet_of_googles_is_asked_with_the_regions_account(tmp_path: Path, settings: Any) -> None:
    with SheetsServer(Book({"Sheet1": [list(HEADER)]}), quota=Quota(0)) as server:
        settings.SHEETS_URL = server.url
        key_file = str(server.make_key_file(tmp_path / "account.json"))
        values = {"SPREADSHEET_ID": server.spreadsheet, "WORKSHEET_ID": "Sheet1"}
        works = "purbalingga: sheet: works, statuses go to column E"
        assert check(tmp_path, {"credential_file": key_file}, **values) == [works]
        refused = check(tmp_path, {"credential_file": key_file}, **{**values, "WORKSHEET_ID": "Sheet9"})
        assert refused[0].startswith("purbalingga: sheet: ")
        assert refused[1] == "purbalingga: sheet did not work; nothing was changed (status 1)"
        assert "lacks credential_file" in check(tmp_path, **values)[0]


def test_a_file_without_endpoints_is_only_read(tmp_path: Path) -> None:
    assert check(tmp_path) == ["purbalingga: the file is well-formed and names no endpoint"]


def test_a_kept_secret_is_tried_and_a_missing_one_named(peer: HTTPServer, tmp_path: Path) -> None:
    url = peer.url_for("/graphql")
    RegionFactory.create(name="purbalingga", env_vars={"HOSPITAL_API_TOKEN": TOKEN, "HOSPITAL_GRAPHQL_URL": url})
    assert check(tmp_path, HOSPITAL_GRAPHQL_URL=url, HOSPITAL_API_TOKEN="keep:") == ["purbalingga: hospital: works"]
    elsewhere = "https://elsewhere.example.org/graphql"
    (refused,) = check(tmp_path, HOSPITAL_GRAPHQL_URL=elsewhere, HOSPITAL_API_TOKEN="keep:")
    assert "HOSPITAL_API_TOKEN: keep: the address that it is sent to changes; give the secret again" in refused
    Region.objects.get().delete()
    with pytest.raises(CommandError, match="HOSPITAL_API_TOKEN: keep: stands for a secret") as caught:
        call_command("load_region", str(tmp_path / "region.json"), check=True)
    assert caught.value.returncode == 2
