"""A real server: killed in the middle it goes on where the disk is, and two GiB pass through little memory."""

import os
import random
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from redis import Redis

from backoffice.serving import GUNICORN
from clinic.uploads.files import folder
from clinic.uploads.models import Upload
from clinic.uploads.writing import expiry
from regions.models import Region
from tests.booking.world import PatientFactory
from tests.factories import ApiTokenFactory, RegionFactory
from tests.processes import Processes, Running, descendants_of, until
from tests.running import finish, start
from tests.uploads.world import OCTETS, PATH, box, mp4

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
MEBIBYTE = 1 << 20
SIZE = 2048 * MEBIBYTE
# What is really sent of them; the hole before it takes no room on the disk.
SENT = 256 * MEBIBYTE
PIECE = bytes(MEBIBYTE)


class Server:
    """Gunicorn as bin/serve starts it, with one process for the requests."""

    def __init__(self, processes: Processes) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = ("--bind", f"127.0.0.1:{self.port}", "--workers", "1")
        self.web: Running = processes.start(sys.executable, "-m", *GUNICORN, *options)
        until(self.answers, within=60, what="the web server")

    def answers(self) -> bool:
        assert self.web.process.poll() is None, self.web.output
        try:
            return self.call("OPTIONS", PATH)[0] == 401
        except OSError:
            return False

    @property
    def worker(self) -> int:
        return descendants_of(self.web.pid)[0]

    @property
    def peak(self) -> int:
        """VmHWM of the process that takes the requests, in bytes."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.worker}/status").read_text())
        assert found
        return int(found[1]) * 1024

    def call(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=as_sent(headers))
            answer = connection.getresponse()
            answer.read()
            return answer.status, dict(answer.getheaders())
        finally:
            connection.close()

    @contextmanager
    def sending(self, upload: Upload, offset: int, size: int, token: str) -> Iterator[HTTPConnection]:
        """The head of a PATCH is sent; the bytes are for the test to send. The connection is closed at the end."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest("PATCH", f"{PATH}{upload.pk}/")
            headers = tus(token, Upload_Offset=str(offset), Content_Length=str(size), Content_Type=OCTETS)
            for name, value in as_sent(headers).items():
                connection.putheader(name, value)
            connection.endheaders()
            yield connection
        finally:
            connection.close()


def as_sent(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def tus(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Tus_Resumable": "1.0.0", **headers}


@pytest.fixture
def token(transactional_db: None, queue: Redis) -> str:
    region = RegionFactory.create(name="north", env_vars={"UPLOAD_MAX_MB": "4096"})
    return str(ApiTokenFactory.create(regions=[region], verbs=["appointments:read", "appointments:write"]).text)


@pytest.fixture
def server(processes: Processes, token: str) -> Server:
    return Server(processes)


def an_upload(length: int, **fields: int) -> Upload:
    patient = PatientFactory.create(region=Region.objects.get())
    return Upload.objects.create(region=patient.region, patient=patient, length=length, expires_at=expiry(), **fields)


def test_a_server_that_is_killed_goes_on_where_the_disk_is(server: Server, token: str) -> None:
    data = mp4(picture=random.Random(7).randbytes(12 * MEBIBYTE))
    upload = an_upload(len(data))

    def noted() -> int:
        upload.refresh_from_db()
        return upload.offset

    with server.sending(upload, 0, len(data), token) as connection:
        connection.send(data[: 10 * MEBIBYTE])
        until(noted, within=30)
        worker = server.worker
        os.kill(worker, signal.SIGKILL)
    until(lambda: server.answers() and server.worker != worker, within=30)
    status, headers = server.call("HEAD", f"{PATH}{upload.pk}/", **tus(token))
    offset = int(headers["Upload-Offset"])
    assert (status, offset) == (200, noted())
    assert 0 < offset <= 10 * MEBIBYTE
    with server.sending(upload, offset, len(data) - offset, token) as rest:
        rest.send(data[offset:])
        assert rest.getresponse().status == 204
    assert (folder() / upload.file).read_bytes() == data


def test_two_gib_pass_through_64_mib_of_memory(server: Server, token: str) -> None:
    """[S3-12] A picture that is a hole for the most part, and 256 MiB of it, with the end, through the server."""
    begins = box(b"ftyp", b"isom" + bytes(4))
    ends = box(b"moov", box(b"trak", b"\2" * 40))
    begins += b"\0\0\0\1mdat" + (SIZE - len(begins) - len(ends)).to_bytes(8)
    upload = an_upload(SIZE, offset=SIZE - SENT)
    path = folder() / upload.file
    with path.open("wb") as file:
        file.write(begins)
        file.truncate(SIZE - SENT)
    assert server.call("HEAD", f"{PATH}{upload.pk}/", **tus(token))[0] == 200
    before = server.peak
    with server.sending(upload, SIZE - SENT, SENT, token) as connection:
        for number in range(SENT // MEBIBYTE):
            connection.send(PIECE if number + 1 < SENT // MEBIBYTE else PIECE[: -len(ends)] + ends)
        assert connection.getresponse().status == 204
    assert server.peak - before < 64 * MEBIBYTE
    upload.refresh_from_db()
    assert (upload.state, path.stat().st_size) == ("received", SIZE)
    assert finish(start("upload_video", upload.region)).parts.get().outcomes == {"completed": 1}
