"""The sandbox's Sheets API, as Google documents its own: values, ranges, errors, quotas and the log-in."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from google.auth.crypt import RSASigner
from google.auth.jwt import encode

from backoffice.sandbox.sheets import Book, SheetsServer
from backoffice.sandbox.sheets.grid import Cell
from backoffice.sandbox.sheets.quota import Quota
from backoffice.sandbox.sheets.tokens import GRANT

CELLS: list[list[Cell]] = [["id", "phone", ""], ["A", 81234567890, ""], [], ["B", "0812", "x"]]
ACCOUNT = "tester@nightward-sandbox.iam.gserviceaccount.com"


@pytest.fixture
def server() -> Iterator[SheetsServer]:
    book = Book({"Phones & co": CELLS, "Other": [["kept"]]}, rows=10, columns=5)
    with SheetsServer(book, token="control", quota=Quota(0)) as served:
        yield served


@pytest.fixture
def key(server: SheetsServer, tmp_path: Path) -> dict[str, str]:
    content: dict[str, str] = json.loads(server.make_key_file(tmp_path / "key.json", ACCOUNT).read_text())
    return content


@pytest.fixture
def client(server: SheetsServer, key: dict[str, str]) -> Iterator[httpx2.Client]:
    """A client with a token."""
    token = grant(server, assertion(key)).json()["access_token"]
    with httpx2.Client(
        base_url=f"{server.url}/v4/spreadsheets/sandbox-sheet",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ) as connected:
        yield connected


def assertion(key: dict[str, str], **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": key["client_email"],
        "aud": key["token_uri"],
        "iat": now,
        "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/spreadsheets",
    }
    signer = RSASigner.from_string(key["private_key"])  # type: ignore[no-untyped-call]
    return str(encode(signer, {**claims, **changes}), "ascii")  # type: ignore[no-untyped-call]


def grant(server: SheetsServer, given: str, grant_type: str = GRANT) -> httpx2.Response:
    form = {"grant_type": grant_type, "assertion": given}
    return httpx2.post(f"{server.url}/token", data=form, trust_env=False)


def values(client: httpx2.Client, text: str, **options: str) -> Any:
    answer = client.get(f"/values/{text.replace('/', '%2F')}", params=options)
    return answer.json().get("values") if answer.status_code == 200 else answer.json()["error"]["message"]


def update(client: httpx2.Client, text: str, cells: Any, option: str = "RAW") -> httpx2.Response:
    data = {"valueInputOption": option, "data": [{"range": text, "values": cells}]}
    return client.post("/values:batchUpdate", json=data)


def control(server: SheetsServer, **orders: Any) -> httpx2.Response:
    headers = {"Authorization": "Bearer control"}
    return httpx2.post(server.control_url, json=orders, headers=headers, trust_env=False)


def test_values_are_shown_or_held_by_rows_or_columns_and_end_with_the_last_one(client: httpx2.Client) -> None:
    assert values(client, "'Phones & co'!A1:C9") == [["id", "phone"], ["A", "8.12346E+10"], [], ["B", "0812", "x"]]
    assert values(client, "A2:B2", valueRenderOption="UNFORMATTED_VALUE") == [["A", 81234567890]]
    assert values(client, "A:B", majorDimension="COLUMNS") == [
        ["id", "A", "", "B"],
        ["phone", "8.12346E+10", "", "0812"],
    ]
    assert values(client, "2:2") == [["A", "8.12346E+10"]]
    assert values(client, "Other") == [["kept"]]
    assert values(client, "E1:E9") is None


def test_a_range_is_answered_by_its_name_and_within_the_grid(client: httpx2.Client) -> None:
    answer = client.get("/values:batchGet", params={"ranges": ["A2:Z99", "Other!A1"]}).json()
    assert [one["range"] for one in answer["valueRanges"]] == ["'Phones & co'!A2:E10", "Other!A1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Nothing!A1", "Unable to parse range: Nothing!A1"),
        ("Nothing", "Unable to parse range: Nothing"),
        ("A1:", "Unable to parse range: A1:"),
        ("Other!A11:B12", "Range (Other!A11:B12) exceeds grid limits. Max rows: 10, max columns: 5"),
    ],
)
def test_a_range_that_is_none_is_an_invalid_argument(client: httpx2.Client, text: str, message: str) -> None:
    assert values(client, text) == message


def test_a_sheet_is_described_with_its_size_and_with_cells_where_these_are_asked_for(client: httpx2.Client) -> None:
    plain = client.get("").json()["sheets"]
    assert [one["properties"]["title"] for one in plain] == ["Phones & co", "Other"]
    assert plain[0]["properties"]["gridProperties"] == {"rowCount": 10, "columnCount": 5}
    assert "data" not in plain[0]
    options = {"ranges": "1:1", "fields": "sheets(data(rowData(values(formattedValue))))"}
    (first,) = client.get("", params=options).json()["sheets"]
    assert first["data"] == [{"rowData": [{"values": [{"formattedValue": "id"}, {"formattedValue": "phone"}]}]}]


def test_raw_values_stay_as_they_are_and_entered_ones_become_what_a_user_would_get(
    client: httpx2.Client, server: SheetsServer
) -> None:
    answer = update(client, "Other!A1:A2", [["0812"], ["=1+1"]]).json()
    assert answer["totalUpdatedCells"] == 2
    assert answer["responses"][0]["updatedRange"] == "Other!A1:A2"
    update(client, "Other!B1:B3", [["0812"], ["'0812"], ["1.50"]], "USER_ENTERED")
    cells = server.book.grid("Other").cells
    assert cells == [["0812", 812], ["=1+1", "0812"], ["", 1.5]]


def test_all_ranges_are_written_or_none(client: httpx2.Client, server: SheetsServer) -> None:
    data = [{"range": "Other!A1", "values": [["new"]]}, {"range": "Other!A1", "values": [["a", "b"]]}]
    answer = client.post("/values:batchUpdate", json={"valueInputOption": "RAW", "data": data})
    assert answer.status_code == 400
    assert "tried writing to column [B]" in answer.text
    assert server.book.grid("Other").cells == [["kept"]]
    assert "exceeds grid limits" in update(client, "Other!A11", [["x"]]).text
    assert update(client, "Other!A1", [["x"]], "SOMEHOW").status_code == 400
    assert client.post("/values:batchUpdate", json={"data": []}).status_code == 400


def test_unknown_paths_spreadsheets_and_tokens_have_their_statuses(client: httpx2.Client, server: SheetsServer) -> None:
    assert client.delete("").status_code == 404
    assert client.get(f"{server.url}/v4/spreadsheets/another").json()["error"]["status"] == "NOT_FOUND"
    assert client.get("", headers={"Authorization": "Bearer bad"}).json()["error"]["status"] == "UNAUTHENTICATED"
    control(server, share=False)
    assert client.get("").json()["error"]["status"] == "PERMISSION_DENIED"
    control(server, share=True, revoke=True)
    assert client.get("").status_code == 401


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aud": "https://example.org"}, "audience"),
        ({"scope": "https://www.googleapis.com/auth/youtube"}, "scope"),
        ({"iat": 1_000_000_000, "exp": 1_000_003_600}, "short-lived"),
        ({"exp": time.time() + 90_000}, "short-lived"),
        ({"iss": "somebody@else"}, "account not found"),
        ({"iat": "soon"}, "Failed to parse"),
    ],
)
def test_a_token_is_given_for_a_good_assertion_only(
    server: SheetsServer, key: dict[str, str], changes: dict[str, Any], says: str
) -> None:
    answer = grant(server, assertion(key, **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert says in answer.json()["error_description"]


def test_a_signature_is_checked(server: SheetsServer, key: dict[str, str]) -> None:
    head, claims, signature = assertion(key).split(".")
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"3600", b"3601")).decode()
    assert grant(server, f"{head}.{forged.rstrip('=')}.{signature[:-8]}AAAAAAAA").status_code == 400
    assert grant(server, "nonsense").status_code == 400
    assert grant(server, assertion(key), "password").status_code == 400
    assert grant(server, assertion(key)).json()["token_type"] == "Bearer"


def test_a_token_ends(server: SheetsServer, key: dict[str, str]) -> None:
    server.tokens.seconds = 0.05
    token = grant(server, assertion(key)).json()["access_token"]
    time.sleep(0.1)
    assert server.tokens.account(f"Bearer {token}") is None


def test_reads_and_writes_have_a_quota_each_whose_refusal_looks_like_google_s(
    client: httpx2.Client, server: SheetsServer
) -> None:
    """X-02."""
    control(server, quota={"limit": 2, "seconds": 0.5})
    assert [client.get("").status_code for _ in range(3)] == [200, 200, 429]
    assert [update(client, "Other!A1", [["x"]]).status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("").json()["error"]
    assert (refused["code"], refused["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "Read requests per minute per user" in refused["message"]
    assert refused["details"][0]["metadata"]["quota_limit"] == "ReadRequestsPerMinutePerUser"
    time.sleep(0.5)
    assert client.get("").status_code == 200
    assert control(server).json()["quota"]["refused"] == 3


def test_rows_are_moved_on_demand_at_once_or_after_a_call(client: httpx2.Client, server: SheetsServer) -> None:
    control(server, sort={"column": "A", "descending": True})
    assert values(client, "A1:A9") == [["id"], ["B"], ["A"]]
    control(server, insert={"before": 2, "rows": [["C"]]}, delete={"first": 4, "count": 1})
    assert values(client, "A1:A9") == [["id"], ["C"], ["B"]]
    control(server, after={"call": "values.get", "put": {"range": "A2", "values": [["D"]]}})
    assert values(client, "A2") == [["C"]]
    assert values(client, "A2") == [["D"]]


def test_calls_are_counted_and_kept_without_what_stands_in_the_cells(
    client: httpx2.Client, server: SheetsServer
) -> None:
    values(client, "A1:A9")
    update(client, "Other!A1", [["0812"]])
    state = control(server, list=["journal"]).json()
    assert state["calls"] == {"token": 1, "values.get": 1, "values.batchUpdate": 1}
    assert state["journal"][-1] == {"call": "values.batchUpdate", "ranges": ["Other!A1"], "cells": 1}
    assert "0812" not in json.dumps(state)
    assert control(server, reset_counts=True).json()["journal"] == 0


@pytest.mark.parametrize("orders", [{"sort": {}}, {"quota": {}}, {"faults": {"nothing": 1}}, {"explode": 1}], ids=str)
def test_an_order_that_cannot_be_carried_out_is_a_400_that_names_it(server: SheetsServer, orders: Any) -> None:
    refused = control(server, **orders)
    assert refused.status_code == 400
    assert next(iter(orders)) in refused.text


def test_control_is_for_who_has_the_token(server: SheetsServer) -> None:
    assert httpx2.post(server.control_url, json={}, trust_env=False).status_code == 401


def test_a_folder_of_csv_files_is_a_spreadsheet_that_is_written_back_to(tmp_path: Path) -> None:
    (tmp_path / "Sheet1.csv").write_text("identifier,phone\n3303000000000001,0812\nA,81234567890\n")
    book = Book.of_folder(tmp_path)
    assert book.grid("Sheet1").cells[1:] == [["3303000000000001", "0812"], ["A", 81234567890]]
    book.write("Sheet1!C2", [["success"]], entered=False)
    book.save()
    assert (tmp_path / "Sheet1.csv").read_text().splitlines()[1] == "3303000000000001,0812,success"
