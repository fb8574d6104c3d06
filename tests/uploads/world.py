"""Videos of a few hundred bytes, what is none, and a client that speaks tus."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from clinic.patients.models import Patient
from clinic.uploads.files import folder, open_to_read
from clinic.uploads.models import Upload
from clinic.uploads.writing import expiry
from regions.models import Region
from tests.booking.world import PatientFactory

PATH = "/api/v1/uploads/"
OCTETS = "application/offset+octet-stream"


def box(name: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


def mp4(brand: bytes = b"isom", picture: bytes = b"\1" * 400) -> bytes:
    return box(b"ftyp", brand + bytes(4) + b"isommp42") + box(b"mdat", picture) + box(b"moov", box(b"trak", b"\2" * 32))


def element(name: bytes, content: bytes) -> bytes:
    return name + (0x4000 | len(content)).to_bytes(2) + content


UNKNOWN = b"\x01" + b"\xff" * 7
TRACKS, CLUSTER = element(b"\x16\x54\xae\x6b", b"\3" * 54), element(b"\x1f\x43\xb6\x75", b"\3" * 234)
# As a browser records it: how long the cluster is, is not known when it begins.
LIVE = b"\x1f\x43\xb6\x75" + UNKNOWN + element(b"\xe7", b"\0") + element(b"\xa3", b"\3" * 200) + element(b"\xec", b"")


def webm(document: bytes = b"webm", content: bytes = TRACKS + CLUSTER, *, live: bool = False) -> bytes:
    """`live`: the segment does not say how long it is."""
    header = element(b"\x42\x86", b"\1") + element(b"\x42\x82", document)
    segment = b"\x18\x53\x80\x67"
    return element(b"\x1a\x45\xdf\xa3", header) + (segment + UNKNOWN + content if live else element(segment, content))


def told(**values: object) -> str:
    """Upload-Metadata."""
    return ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in values.items())


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@dataclass
class Tus:
    """A client of the protocol; each call gives the answer, whatever it is."""

    client: APIClient
    version: str = "1.0.0"

    def call(self, method: str, path: str, data: bytes = b"", **headers: Any) -> Any:
        sent = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        kind = sent.pop("Content-Type", OCTETS if method == "PATCH" else "")
        if self.version:
            sent["Tus-Resumable"] = self.version
        body: Any = data  # the stubs know text alone
        return self.client.generic(method, path, body, content_type=kind, headers=sent)

    def begin(self, patient: Patient | None, length: int, **metadata: object) -> Any:
        if patient is not None:
            metadata = {"patient": patient.pk, **metadata}
        return self.call("POST", PATH, Upload_Length=length, Upload_Metadata=told(**metadata))

    def begun(self, patient: Patient | None, length: int, **metadata: object) -> Upload:
        answer = self.begin(patient, length, **metadata)
        assert answer.status_code == 201, answer.content
        return Upload.objects.get(pk=answer.json()["id"])

    def send(self, upload: Upload, data: bytes, offset: int = 0, **headers: Any) -> Any:
        return self.call("PATCH", f"{PATH}{upload.pk}/", data, Upload_Offset=offset, **headers)

    def head(self, upload: Upload) -> Any:
        return self.call("HEAD", f"{PATH}{upload.pk}/")

    def withdraw(self, upload: Upload) -> Any:
        return self.call("DELETE", f"{PATH}{upload.pk}/")

    def whole(self, patient: Patient, data: bytes) -> Upload:
        """A video that has come and waits to be checked."""
        upload = self.begun(patient, len(data))
        assert self.send(upload, data).status_code == 204
        upload.refresh_from_db()
        return upload


def a_video(region: Region, **fields: Any) -> Upload:
    """One that was checked and is kept, of a patient P-SECRET unless another is named."""
    patient = fields.pop("patient", None) or Patient.objects.filter(region=region, external_id="P-SECRET").first()
    patient = patient or PatientFactory.create(region=region, external_id="P-SECRET")
    data = mp4()
    values = {"state": "completed", "kind": "mp4", "length": len(data), "offset": len(data), **fields}
    upload = Upload.objects.create(region=region, patient=patient, expires_at=expiry(), **values)
    (folder() / upload.file).write_bytes(data)
    return upload


def content_of(upload: Upload) -> bytes:
    with open_to_read(upload.file) as file:
        return file.read()
