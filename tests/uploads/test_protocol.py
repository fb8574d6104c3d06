"""Videos by tus 1.0.0: begun, sent in pieces, resumed, withdrawn, as the protocol has it (contract S3-12)."""

import stat
from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis import Redis
from rest_framework.test import APIClient

from backoffice.runs.models import Run
from clinic.booking.book import book
from clinic.patients.models import Patient
from clinic.uploads.files import folder
from clinic.uploads.models import Upload
from tests.booking.conftest import Portal, client_of
from tests.booking.world import FRONT_DESK, MONDAY, Clinic
from tests.uploads.world import PATH, Tus, checksum, content_of, mp4, told

pytestmark = pytest.mark.django_db
DATA = mp4()


@pytest.fixture
def tus(api: APIClient) -> Tus:
    return Tus(api)


@pytest.fixture
def upload(tus: Tus, clinic: Clinic) -> Upload:
    return tus.begun(clinic.patient, len(DATA))


def test_a_video_comes_in_pieces_and_a_run_is_called_for(
    tus: Tus, clinic: Clinic, upload: Upload, queue: Redis
) -> None:
    """[S3-12]"""
    first = tus.send(upload, DATA[:100])
    assert (first.status_code, first["Upload-Offset"], first["Tus-Resumable"]) == (204, "100", "1.0.0")
    assert "Upload-Expires" in first
    told_by_head = tus.head(upload)
    assert told_by_head.status_code == 200
    assert (told_by_head["Upload-Offset"], told_by_head["Upload-Length"]) == ("100", str(len(DATA)))
    assert told_by_head["Upload-Metadata"] == told(patient=clinic.patient.pk)
    assert "no-store" in told_by_head["Cache-Control"]
    last = tus.send(upload, DATA[100:], 100)
    assert (last.status_code, last["Upload-Offset"], "Upload-Expires" in last) == (204, str(len(DATA)), False)
    upload.refresh_from_db()
    assert (upload.state, content_of(upload)) == ("received", DATA)
    (path,) = folder().iterdir()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(folder().stat().st_mode)) == (0o600, 0o700)
    run = Run.objects.get()
    assert (run.job, run.parameters, run.region) == ("upload_video", {"only": [upload.pk]}, clinic.region)


def test_without_a_queue_the_video_is_kept_and_waits(tus: Tus, upload: Upload) -> None:
    type(upload.region).objects.update(paused=True)
    assert tus.send(upload, DATA).status_code == 204
    upload.refresh_from_db()
    assert upload.state == "received"
    assert not Run.objects.exists()


def test_what_the_server_can(tus: Tus, clinic: Clinic, upload: Upload) -> None:
    clinic.region.env_vars = {"UPLOAD_MAX_MB": "3"}
    clinic.region.save()
    for path in (PATH, f"{PATH}{upload.pk}/"):
        answer = Tus(tus.client, version="").call("OPTIONS", path)
        assert answer.status_code == 204
        assert answer["Tus-Version"] == "1.0.0"
        assert answer["Tus-Extension"] == "creation,termination,checksum,expiration"
        assert answer["Tus-Max-Size"] == str(3 << 20)
        assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_the_answer_to_a_creation_says_where_and_until_when(tus: Tus, clinic: Clinic) -> None:
    appointment = book(clinic.wish(MONDAY), FRONT_DESK)
    answer = tus.begin(clinic.patient, 5, appointment=appointment.pk, filename="Adaeze Okonkwo.mp4", name="ä")
    upload = Upload.objects.get()
    assert answer["Location"] == f"http://testserver{PATH}{upload.pk}/"
    left = parsedate_to_datetime(answer["Upload-Expires"]) - timezone.now()
    assert left == timedelta(hours=48)
    assert upload.appointment == appointment
    assert "Adaeze" not in answer.content.decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload_Length": "0"}, 400), ({"Upload_Length": "-1"}, 400), ({"Upload_Length": "9" * 16}, 400), ({}, 400),
        ({"Upload_Defer_Length": "1"}, 400), ({"Upload_Length": "9" * 15}, 413),
        ({"Upload_Length": "5", "Upload_Metadata": "patient !"}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "patient MQ==,patient MQ=="}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": told(patient="x")}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": told(filename="x")}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": told(patient=999_999)}, 404),
        ({"Upload_Length": "5", "Upload_Metadata": "x" * 5000}, 400),
    ],
)  # fmt: skip
def test_what_cannot_begin(tus: Tus, clinic: Clinic, headers: dict[str, str], status: int) -> None:
    sent: dict[str, Any] = {"Upload_Metadata": told(patient=clinic.patient.pk), **headers}
    assert tus.call("POST", PATH, **sent).status_code == status
    assert not Upload.objects.exists()


def test_a_region_says_how_much_it_takes(tus: Tus, clinic: Clinic) -> None:
    clinic.region.env_vars = {"UPLOAD_MAX_MB": "1"}
    clinic.region.save()
    assert tus.begin(clinic.patient, (1 << 20) + 1).status_code == 413
    assert tus.begin(clinic.patient, 1 << 20).status_code == 201


def test_a_patient_cannot_fill_the_disk_with_beginnings(tus: Tus, clinic: Clinic) -> None:
    statuses = [tus.begin(clinic.patient, 5).status_code for _ in range(21)]
    assert statuses == [201] * 20 + [409]


def test_bytes_at_another_offset_are_refused(tus: Tus, upload: Upload) -> None:
    assert tus.send(upload, DATA[:100], 1).status_code == 409
    assert tus.send(upload, DATA[:100]).status_code == 204
    assert tus.send(upload, DATA[:100]).status_code == 409
    assert tus.head(upload)["Upload-Offset"] == "100"


def test_what_is_not_sent_as_the_protocol_says(tus: Tus, upload: Upload) -> None:
    assert tus.send(upload, DATA, Content_Type="video/mp4").status_code == 415
    assert tus.send(upload, DATA, offset=-1).status_code == 400
    assert tus.send(upload, DATA + b"x").status_code == 413
    assert tus.call("PUT", f"{PATH}{upload.pk}/", DATA).status_code == 405
    for version in ("", "0.2.2"):
        answer = Tus(tus.client, version=version).send(upload, DATA)
        assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert tus.head(upload)["Upload-Offset"] == "0"
    without = tus.client.patch(
        f"{PATH}{upload.pk}/", content_type="application/offset+octet-stream", CONTENT_LENGTH="",
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Transfer-Encoding": "chunked"},
    )  # fmt: skip
    assert without.status_code == 411


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_with_a_checksum_all_of_a_request_counts_or_nothing(tus: Tus, upload: Upload, algorithm: str) -> None:
    good, bad = checksum(DATA[:100], algorithm), checksum(DATA[:99], algorithm)
    answer = tus.send(upload, DATA[:100], Upload_Checksum=bad)
    assert (answer.status_code, answer.reason_phrase) == (460, "Checksum Mismatch")
    assert (tus.head(upload)["Upload-Offset"], content_of(upload)) == ("0", b"")
    assert tus.send(upload, DATA[:100], Upload_Checksum=good).status_code == 204
    assert tus.send(upload, DATA[100:], 100, Upload_Checksum="md5 AAAA").status_code == 400
    assert tus.send(upload, DATA[100:], 100, Upload_Checksum="sha1 !").status_code == 400


def test_withdrawn_it_is_gone_with_its_bytes(tus: Tus, upload: Upload) -> None:
    tus.send(upload, DATA[:100])
    assert tus.withdraw(upload).status_code == 204
    assert (tus.head(upload).status_code, tus.withdraw(upload).status_code) == (410, 410)
    assert tus.send(upload, DATA[100:], 100).status_code == 410


def test_what_has_expired_is_gone(tus: Tus, clinic: Clinic, now: Any, settings: Any) -> None:
    settings.UPLOAD_KEPT_HOURS = 4
    upload = tus.begun(clinic.patient, len(DATA))
    now.shift(timedelta(hours=3))
    assert tus.send(upload, DATA[:100]).status_code == 204
    now.shift(timedelta(hours=3))
    assert tus.head(upload).status_code == 200
    now.shift(timedelta(hours=2))
    assert (tus.head(upload).status_code, tus.send(upload, DATA[100:], 100).status_code) == (410, 410)


def test_a_post_may_stand_for_another_method(tus: Tus, upload: Upload) -> None:
    sent = tus.call(
        "POST", f"{PATH}{upload.pk}/", DATA[:100], Upload_Offset=0, X_HTTP_Method_Override="PATCH",
        Content_Type="application/offset+octet-stream",
    )  # fmt: skip
    assert (sent.status_code, sent["Upload-Offset"]) == (204, "100")
    assert tus.call("POST", f"{PATH}{upload.pk}/").status_code == 405


def test_what_became_of_it_is_read_as_json(tus: Tus, clinic: Clinic, upload: Upload) -> None:
    row = tus.client.get(f"{PATH}{upload.pk}/").json()
    assert (row["state"], row["patient"], row["length"]) == ("uploading", clinic.patient.pk, len(DATA))
    query = {"patient": str(clinic.patient.pk), "state": "uploading", "region": clinic.region.name}
    listed = tus.client.get(PATH, query)
    assert [each["id"] for each in listed.json()["results"]] == [upload.pk]
    assert tus.client.get(PATH, {"state": "failed"}).json()["results"] == []
    assert tus.client.get(PATH, {"filename": "x"}).status_code == 400


def test_a_portal_uploads_for_its_patient_alone(
    clinic: Clinic, portal: Portal, other_patient: Patient, upload: Upload, tus: Tus
) -> None:
    own, other = Tus(portal()), Tus(portal(other_patient))
    mine = own.begun(None, len(DATA))
    assert mine.patient == clinic.patient
    assert own.send(mine, DATA[:100]).status_code == 204
    assert own.begin(other_patient, 5).status_code == 404
    visit = book(clinic.wish(MONDAY, patient=other_patient), FRONT_DESK)
    assert own.begin(clinic.patient, 5, appointment=visit.pk).status_code == 404
    assert statuses(other, mine) == [404, 404, 404, 404]
    assert other.client.get(PATH).json()["results"] == []
    assert Upload.objects.get(pk=mine.pk).offset == 100


def statuses(tus: Tus, upload: Upload) -> list[int]:
    """Of everything that can be asked of one."""
    got = tus.client.get(f"{PATH}{upload.pk}/")
    return [each.status_code for each in (got, tus.head(upload), tus.send(upload, DATA), tus.withdraw(upload))]


def test_outsiders(clinic: Clinic, elsewhere: Clinic, upload: Upload, portal: Portal) -> None:
    nobody, foreign = Tus(APIClient()), Tus(client_of(elsewhere))
    reader, viewer = Tus(client_of(clinic, verbs=["appointments:read"])), Tus(client_of(clinic, role="viewer"))
    assert statuses(nobody, upload) == [401] * 4
    assert statuses(Tus(portal(claim="")), upload) == [401] * 4
    assert statuses(foreign, upload) == [404] * 4
    assert statuses(reader, upload) == [200, 403, 403, 403]
    assert statuses(viewer, upload) == [200, 403, 403, 403]
    begun = [each.begin(clinic.patient, 5).status_code for each in (nobody, foreign, reader, viewer)]
    assert begun == [401, 404, 403, 403]
    options = [each.call("OPTIONS", PATH).status_code for each in (nobody, foreign, reader)]
    assert options == [401, 204, 204]
    assert foreign.client.get(PATH).json()["results"] == []
    assert Upload.objects.get().offset == 0


@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(1, len(DATA) - 1), max_size=4), wrong=st.integers(0, len(DATA)))
def test_however_it_is_cut_what_arrives_is_what_was_sent(tus: Tus, clinic: Clinic, cuts: list[int], wrong: int) -> None:
    """Each piece is sent twice, and one is sent somewhere: nothing counts twice."""
    type(clinic.region).objects.update(paused=True)
    upload = tus.begun(clinic.patient, len(DATA))
    places = sorted({0, len(DATA), *cuts})
    for begins, ends in pairwise(places):
        if wrong != begins:
            tus.send(upload, DATA[wrong:], wrong)
        tus.send(upload, DATA[begins:ends], begins)
        assert tus.send(upload, DATA[begins:ends], begins).status_code == 409
    upload.refresh_from_db()
    assert (upload.state, content_of(upload)) == ("received", DATA)
