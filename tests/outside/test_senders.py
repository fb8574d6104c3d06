"""`manage.py sandbox lis` and `sandbox pos` send as a laboratory and a point of sale would (clinic.md, "Events")."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_httpserver import HTTPServer

from backoffice.sandbox.cloudevents import headers_of, key_of, new_secret
from backoffice.sandbox.lis.hl7 import Sample, message

SECRET = "whsec_" + base64.b64encode(b"a-secret-of-this-test-only-32-by").decode()
SAMPLE = Sample(
    appointment="A|1", order="LO-1", accession="ACC-1", specimen="SP-1", test="GLU", reason="RH", patient="P-1"
)


def command(*arguments: str) -> str:
    """What the command says."""
    said = StringIO()
    call_command("sandbox", *arguments, stdout=said)
    return said.getvalue()


def told(server: HTTPServer) -> list[dict[str, Any]]:
    """The events that came, each of which must be signed and say what it is."""
    events = []
    for request, _ in server.log:
        body, headers = request.get_data(), request.headers
        signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
        digest = hmac.new(b"a-secret-of-this-test-only-32-by", signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert abs(time.time() - int(headers["webhook-timestamp"])) < 5
        assert headers["Content-Type"].startswith("application/cloudevents+json")
        event = json.loads(body)
        assert (event["specversion"], event["id"]) == ("1.0", headers["webhook-id"])
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        events.append(event)
    return events


def takes(server: HTTPServer, channel: str, status: int = 200) -> tuple[str, ...]:
    """Let the server take the events of region north; the options that lead there."""
    server.expect_request(f"/api/v1/events/{channel}", query_string="region=north", method="POST").respond_with_data(
        '{"detail": "no"}' if status >= 400 else "{}", status=status
    )
    return ("--region", "north", "--url", server.url_for(""), "--secret", SECRET)


@pytest.mark.parametrize("event", ["ordered", "collected", "received", "rejected", "resulted"])
def test_a_laboratory_tells_what_became_of_a_sample(httpserver: HTTPServer, event: str) -> None:
    said = command("lis", event, "--appointment", "A-1", *takes(httpserver, "lis"))
    [sent] = told(httpserver)
    assert said == f"lis.sample.{event} LO-A-1, id {sent['id']}: HTTP 200\n"
    assert (sent["type"], sent["subject"], sent["source"]) == (f"lis.sample.{event}", "LO-A-1", "/sandbox/lis")
    assert sent["data"]["appointment_id"] == "A-1"
    assert ("specimen_id" in sent["data"]) == (event != "ordered")
    assert sent["data"].get("reason_code") == ("QS" if event == "rejected" else None)


def test_a_point_of_sale_tells_of_an_order(httpserver: HTTPServer) -> None:
    options = takes(httpserver, "pos")
    for event in ("placed", "paid", "refunded"):
        command("pos", event, "--appointment", "A-1", "--amount", "12.50", *options)
    events = told(httpserver)
    assert [event["type"] for event in events] == ["pos.order.placed", "pos.order.paid", "pos.order.refunded"]
    assert {event["subject"] for event in events} == {"PO-A-1"}
    assert events[1]["data"] == {
        "appointment_id": "A-1", "order_id": "PO-A-1", "amount": "12.50", "currency": "USD",
        "payment_id": "PAY-PO-A-1",
    }  # fmt: skip


def test_an_event_is_delivered_again_under_its_id(httpserver: HTTPServer) -> None:
    options = takes(httpserver, "lis")
    command("lis", "collected", "--appointment", "A-1", "--id", "again", "--times", "2", *options)
    assert [(event["id"], event["type"]) for event in told(httpserver)] == [("again", "lis.sample.collected")] * 2


def test_what_is_not_taken_is_said_in_a_line_with_status_1(httpserver: HTTPServer) -> None:
    with pytest.raises(CommandError) as caught:
        command("lis", "collected", "--appointment", "A-1", *takes(httpserver, "lis", 401))
    assert (str(caught.value), caught.value.returncode) == ('HTTP 401: {"detail": "no"}', 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(CommandError, match="ConnectError") as caught:
        command("lis", "collected", "--appointment", "A-1", "--region", "north", "--secret", SECRET,
                "--url", f"http://127.0.0.1:{port}")  # fmt: skip
    assert caught.value.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pos", "paid", "--appointment", "A", "--secret", SECRET], "--region is missing"),
        (
            ["pos", "paid", "--appointment", "A", "--region", "north"],
            "no secret: give --secret or NIGHTWARD_SANDBOX_POS",
        ),
        (["pos", "paid", "--appointment", "A", "--region", "north", "--secret", "whsec_!"], "the secret is no base64"),
        (["pos", "paid", "--appointment", "A", "--region", "north", "--secret", "whsec_YQ=="], "24 to 64 bytes"),
        (["pos", "paid", "--appointment", "A", "--amount", "1.234"], "--amount is money"),
        (["lis", "resulted", "--appointment", "A", "--mllp", "here"], "--mllp is HOST:PORT"),
    ],
)
def test_wrong_use_is_said_in_one_line_with_status_2(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        command(*arguments)
    assert caught.value.returncode == 2


def test_the_signature_is_the_one_of_the_standards_own_example() -> None:
    """The test vector of the Standard Webhooks libraries."""
    key = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    headers = headers_of("msg_loFOjxBNrRLzqYUf", b'{"event_type":"ping","data":{"success":true}}', key, now=1731705121)
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_a_new_secret_can_be_used() -> None:
    assert len(key_of(new_secret())) == 32


@contextmanager
def listening(answer: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """An MLLP listener that answers each message; its address and what it was sent."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            waiting = b""
            while piece := connection.recv(65536):
                waiting += piece
                if waiting.endswith(b"\x1c\r"):
                    received.append(waiting)
                    connection.sendall(answer(waiting))
                    waiting = b""

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", received
        thread.join(5)


def acknowledging(code: str, text: str = "") -> Callable[[bytes], bytes]:
    def answer(received: bytes) -> bytes:
        control = received.split(b"|")[9]
        return b"\x0bMSH|^~\\&|N|C|LIS|S|20260101||ACK|1|P|2.5.1\rMSA|%b|%b|%b\r\x1c\r" % (
            code.encode(), control, text.encode(),
        )  # fmt: skip

    return answer


def test_hl7_goes_over_mllp_and_is_acknowledged() -> None:
    with listening(acknowledging("AA")) as (address, received):
        said = command("lis", "resulted", "--appointment", "A-1", "--id", "C1", "--times", "2", "--mllp", address)
    assert said == "resulted LO-A-1, control id C1: AA\n" * 2
    assert len(received) == 2
    assert received[0].startswith(b"\x0bMSH|^~\\&|LIS|SANDBOX|NIGHTWARD|CLINIC|")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (acknowledging("AE", "no such order"), "AE no such order"),
        (acknowledging("AR"), "AR"),
        (lambda _: b"\x0bMSH|x\rMSA|AA|another\r\x1c\r", "no acknowledgement"),
    ],
)
def test_what_is_not_accepted_over_mllp_ends_with_status_1(answer: Callable[[bytes], bytes], says: str) -> None:
    with listening(answer) as (address, _), pytest.raises(CommandError) as caught:
        command("lis", "rejected", "--appointment", "A-1", "--mllp", address)
    assert (str(caught.value), caught.value.returncode) == (says, 1)


@pytest.mark.parametrize(
    ("event", "type_", "order", "result"),
    [
        ("ordered", "OML^O21^OML_O21", ("NW", ""), ""),
        ("collected", "OML^O21^OML_O21", ("SC", "IP"), ""),
        ("received", "ORU^R01^ORU_R01", ("SC", "IP"), "I"),
        ("rejected", "ORU^R01^ORU_R01", ("SC", "CA"), "X"),
        ("resulted", "ORU^R01^ORU_R01", ("RE", "CM"), "F"),
    ],
)
def test_each_field_of_a_message_stands_where_hl7_has_it(
    event: str, type_: str, order: tuple[str, str], result: str
) -> None:
    text = message(event, SAMPLE, "C1", datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    assert text.endswith("\r")
    segments = {line.split("|")[0]: line.split("|") for line in text.rstrip("\r").split("\r")}
    header = segments["MSH"]
    assert (header[6], header[8], header[9], header[11]) == ("20261130090000+0000", type_, "C1", "2.5.1")
    assert header[17] == "UNICODE UTF-8"  # MSH-18: the separator itself is MSH-1
    assert segments["PV1"][19] == "A\\F\\1"
    assert (segments["ORC"][1], segments["ORC"][5]) == order
    assert (segments["ORC"][2], segments["OBR"][2]) == ("LO-1", "LO-1")
    assert segments["OBR"][3] == ("" if event == "ordered" else "ACC-1")
    assert segments["OBR"][25] == result
    if event == "rejected":
        assert segments["SPM"][21] == "RH^^HL70490"
    assert ("OBX" in segments) == (event == "resulted")
    assert ("SPM" in segments) == (event != "ordered")
