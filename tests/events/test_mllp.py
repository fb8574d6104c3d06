"""HL7 v2 over MLLP: what is told of samples, how it is acknowledged, and what garbage does. Real sockets."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import hl7
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.events.inbound import mllp
from clinic.events.inbound.hl7v2 import Refused, check, header_of, iso, told_by
from clinic.events.inbound.mllp import Listener
from clinic.events.management.commands.listen_mllp import tls_context
from clinic.events.models import Inbound, Outbox, Unmatched
from regions.models import Region
from tests.events.senders import COLLECTED, RECEIVED, REJECTED, oml, oru
from tests.factories import RegionFactory
from tests.processes import Processes, until

real = pytest.mark.django_db(transaction=True)


class Sender:
    """A laboratory's connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def tell(self, message: bytes) -> hl7.Message:
        """Send it and read the answer."""
        self.send(b"\x0b" + message + b"\x1c\x0d")
        return self.answer()

    def answer(self) -> hl7.Message:
        data = b""
        while not data.endswith(b"\x1c\x0d"):
            more = self.socket.recv(4096)
            assert more, data
            data += more
        return hl7.parse(data[1:-2].decode())

    def ended(self) -> bool:
        return self.socket.recv(1) == b""


def said(answer: hl7.Message) -> tuple[str, str]:
    """MSA-1 and MSA-2."""
    return str(answer.segment("MSA")(1)), str(answer.segment("MSA")(2))


def error_of(answer: hl7.Message) -> str:
    return str(answer.segment("ERR")(3)).split("^", maxsplit=1)[0]


@pytest.fixture
def north(db: None) -> Region:
    return RegionFactory.create(name="north", time_zone="America/Chicago")


@contextmanager
def listening(region: Region, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A listener in a thread of this process; its port."""
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    listener = Listener(region)

    def run() -> None:
        loop.run_until_complete(listener.serve("127.0.0.1", 0, tls=tls, stop=stop, ready=ports.append))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: ports)
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def connect(transactional_db: None, north: Region) -> Iterator[Callable[[], Sender]]:
    """Connections to a listener of the north."""
    senders: list[Sender] = []
    with listening(north) as port:

        def connected() -> Sender:
            senders.append(Sender(port))
            return senders[-1]

        yield connected
    for sender in senders:
        sender.socket.close()


@pytest.fixture(autouse=True)
def _threads_keep_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener's threads end with the test, and so do their connections to the test's database."""
    answer = Listener.answer

    def closing(self: Listener, body: bytes) -> bytes:
        try:
            return answer(self, body)
        finally:
            connection.close()

    monkeypatch.setattr(Listener, "answer", closing)


@real
def test_a_result_is_acknowledged_and_told(connect: Callable[[], Sender]) -> None:
    answer = connect().tell(oru("M1"))
    assert said(answer) == ("AA", "M1")
    msh = answer.segment("MSH")
    assert [str(msh(number)) for number in (3, 4, 5, 6, 9, 11, 12)] == [
        "NIGHTWARD", "CLINIC", "LAB", "NORTH", "ACK^R01^ACK", "P", "2.5.1",
    ]  # fmt: skip
    event = Outbox.objects.get()
    assert (event.type, event.subject) == ("lis.sample.resulted", "lis/O-7")
    assert event.data == {
        "order_id": "O-7", "accession": "F-9", "appointment_id": "A-1", "test_code": "2345-7",
        "occurred_at": "2026-11-29T15:30:00+00:00", "inbound": Inbound.objects.get().pk,
    }  # fmt: skip
    assert "EXAMPLE" in Inbound.objects.get().body
    assert Unmatched.objects.get().event == event


@real
def test_a_message_that_comes_again_is_acknowledged_and_told_once(connect: Callable[[], Sender]) -> None:
    sender = connect()
    for _ in range(2):
        assert said(sender.tell(oru("M1"))) == ("AA", "M1")
    assert said(connect().tell(oru("M1"))) == ("AA", "M1")
    assert Outbox.objects.count() == Inbound.objects.count() == 1


@real
def test_an_id_that_was_another_messages_is_an_error(connect: Callable[[], Sender]) -> None:
    sender = connect()
    sender.tell(oru("M1"))
    answer = sender.tell(oru("M1", order="O-8"))
    assert (said(answer), error_of(answer)) == (("AE", "M1"), "205")
    assert Outbox.objects.count() == 1


@pytest.mark.parametrize(
    ("message", "code", "error"),
    [
        (oru("M1", kind="ADT^A01"), "AR", "200"),
        (oru("M1", kind="ORU^R30"), "AR", "201"),
        (oru("M1", processing="T"), "AR", "202"),
        (oru("M1", version="3.0"), "AR", "203"),
        (oru(""), "AE", "101"),
        (oru("M" * 101), "AE", "101"),
        (oru("M1", order="").replace(b"F-9^LAB", b""), "AE", "101"),
        (oru("M1", order="two words"), "AE", "102"),
        (b"MSH|^~\\&|LAB|NORTH|||||ORU^R01|M1|P|2.5\r", "AE", "100"),
        (b"hello", "AR", "100"),
        (b"", "AR", "100"),
    ],
)
def test_what_is_not_taken_says_why(db: None, message: bytes, code: str, error: str) -> None:
    listener = Listener(Region(name="north", time_zone="UTC"))
    answer = hl7.parse(listener.answer(message).decode())
    assert (said(answer)[0], error_of(answer)) == (code, error)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (oml(), "ordered"),
        (oml(control="CA"), "cancelled"),
        (oml(control="SC", specimen=COLLECTED), "collected"),
        (oml(control="SC", specimen=RECEIVED), "received"),
        (oml(control="SC", specimen=REJECTED), "rejected"),
        (oru(state="F"), "resulted"),
        (oru(state="C"), "resulted"),
        (oru(state="P"), "preliminary"),
        (oru(state="I"), "received"),
        (oru(state="X"), "cancelled"),
    ],
)
def test_what_each_message_tells(message: bytes, kind: str) -> None:
    (told,) = told_by(message, header_of(message), UTC)
    assert (told.type, told.subject) == (f"lis.sample.{kind}", "lis/O-7")
    if kind == "rejected":
        assert (told.data["reason_code"], told.data["specimen_id"]) == ("QS", "S-1")
    assert not {"EXAMPLE", "MRN-77", "99"} & set(told.data.values())


def test_one_message_tells_of_each_of_its_orders() -> None:
    second = b"OBR|2|O-8||718-7^HGB^LN||||||||||||||||||20261129093000|||I\r"
    told = told_by(oru() + second, header_of(oru()), UTC)
    assert [(one.type, one.subject) for one in told] == [
        ("lis.sample.resulted", "lis/O-7"),
        ("lis.sample.received", "lis/O-8"),
    ]


def test_other_separators_and_ends_of_lines_are_read() -> None:
    message = oru().replace(b"|", b"#").replace(b"^", b"*").replace(b"\r", b"\r\n")
    (told,) = told_by(message, header_of(message), UTC)
    assert told.subject == "lis/O-7"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("20261129", "2026-11-29T06:00:00+00:00"),
        ("202611290930", "2026-11-29T15:30:00+00:00"),
        ("20261129093000.123+0100", "2026-11-29T08:30:00+00:00"),
        ("20261332", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_a_time_without_an_offset_is_the_regions(moment: str, expected: str) -> None:
    assert iso(moment, ZoneInfo("America/Chicago")) == expected


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=60)
def test_no_bytes_raise_anything_but_a_refusal(noise: bytes, first: int, last: int) -> None:
    for body in (noise, b"MSH" + noise, oru()[:first] + noise + oru()[last:]):
        header = header_of(body)
        try:
            check(header)
            told_by(body, header, UTC)
        except Refused:
            continue


@real
def test_garbage_and_half_frames_store_nothing_and_hold_nobody_up(connect: Callable[[], Sender]) -> None:
    half, noisy, late = connect(), connect(), connect()
    half.send(b"\x0b" + oru("M1")[:100])
    half.socket.shutdown(socket.SHUT_WR)
    assert half.ended()
    noisy.send(b"GET / HTTP/1.1\r\n" * 100)
    assert noisy.ended()
    late.send(b"\r\n\x0b" + oru("M2") + b"\x1c")
    late.send(b"\x0d\x0b" + oru("M3") + b"\x1c\x0d")
    assert [said(late.answer()), said(late.answer())] == [("AA", "M2"), ("AA", "M3")]
    assert Inbound.objects.count() == 2


@real
def test_a_huge_message_is_refused_by_its_id(connect: Callable[[], Sender]) -> None:
    huge = connect()
    threading.Thread(target=_send_all, args=(huge, b"\x0b" + oru("M9") + b"x" * (mllp.MOST_BYTES * 2))).start()
    answer = huge.answer()
    assert (said(answer), error_of(answer)) == (("AR", "M9"), "207")
    assert not Inbound.objects.exists()


def _send_all(sender: Sender, data: bytes) -> None:
    try:
        sender.send(data)
    except OSError:
        return


@real
def test_a_frame_that_never_ends_is_given_up(connect: Callable[[], Sender], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mllp, "FRAME_SECONDS", 0.1)
    slow = connect()
    slow.send(b"\x0b" + oru()[:50])
    assert slow.ended()


@real
def test_what_cannot_be_stored_now_is_to_be_sent_again(
    connect: Callable[[], Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> bool:
        raise OperationalError

    sender = connect()
    with monkeypatch.context() as patch:
        patch.setattr(mllp, "store", lost)
        answer = sender.tell(oru("M1"))
    assert (said(answer), error_of(answer)) == (("AR", "M1"), "207")
    assert said(sender.tell(oru("M1"))) == ("AA", "M1")


def certificate(folder: Path) -> Path:
    """One that names this machine, with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = folder / "listener.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


@real
def test_with_tls_only_who_speaks_it_is_heard(north: Region, tmp_path: Path) -> None:
    path = certificate(tmp_path)
    with listening(north, tls_context(str(path), None, None)) as port:
        sender = Sender(port)
        plain, sender.socket = (
            sender.socket,
            ssl.create_default_context(cafile=str(path)).wrap_socket(sender.socket, server_hostname="localhost"),
        )
        assert said(sender.tell(oru("M1"))) == ("AA", "M1")
        sender.socket.close()
        plain.close()
        deaf = Sender(port)
        deaf.send(b"\x0b" + oru("M2") + b"\x1c\x0d")
        with suppress(ConnectionResetError):
            while deaf.socket.recv(100):
                pass
        deaf.socket.close()
    assert Inbound.objects.count() == 1


def test_files_of_tls_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The files of --tls"):
        tls_context(str(tmp_path / "nothing.pem"), None, None)
    with pytest.raises(CommandError, match="go with --tls-cert"):
        tls_context(None, "key.pem", None)


@pytest.mark.slow
@real
def test_the_command_listens_until_it_is_asked_to_end(processes: Processes, north: Region) -> None:
    listener = processes.manage("listen_mllp", "--region", "north", "--port", "0")
    port = int(listener.says("Listening on 127.0.0.1 port ").split("port ")[1].split()[0])
    sender = Sender(port)
    assert said(sender.tell(oml("M1"))) == ("AA", "M1")
    sender.socket.close()
    listener.process.terminate()
    assert listener.ends() == 0, listener.output


@real
@pytest.mark.slow
def test_beyond_this_machine_it_wants_tls(processes: Processes, north: Region) -> None:
    listener = processes.manage("listen_mllp", "--region", "north", "--host", "0.0.0.0")
    assert listener.ends() == 2
    assert "give --tls-cert, or --plain" in listener.output
