"""UploadVideo: completed or failed with processed_at, once, and what becomes of the file (contract S3-12, S3-14)."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from redis import Redis
from rest_framework.test import APIClient

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure
from clinic.booking.book import book
from clinic.care.removal.removing import remove
from clinic.uploads.files import folder, sweep
from clinic.uploads.models import Upload
from regions import keys
from regions.models import Region
from tests.admin.conftest import SignIn, World, north, sign_in, south, text_of
from tests.booking.world import FRONT_DESK, MONDAY, Clinic
from tests.running import finish, start
from tests.uploads.world import Tus, a_video, mp4, webm

__all__ = ["north", "sign_in", "south"]
pytestmark = pytest.mark.django_db
LIST = "/admin/uploads/upload/"


@pytest.fixture
def tus(api: APIClient, clinic: Clinic, queue: Redis) -> Tus:
    return Tus(api)


def fresh(upload: Upload) -> Upload:
    return Upload.objects.get(pk=upload.pk)


def check(region: Region, **parameters: Any) -> dict[str, int]:
    run = finish(start("upload_video", region, **parameters))
    assert run.status == "complete", run.detail
    return dict(run.parts.get().outcomes)


def test_each_video_is_completed_or_failed_once(tus: Tus, clinic: Clinic, now: Any) -> None:
    """[S3-12] With processed_at and the reason."""
    good, bad = tus.whole(clinic.patient, mp4()), tus.whole(clinic.patient, b"PK\x03\x04" + bytes(99))
    waiting = tus.begun(clinic.patient, 5)
    now.shift(timedelta(minutes=1))
    assert check(clinic.region) == {"completed": 1, "failed": 1}
    good, bad = fresh(good), fresh(bad)
    assert (good.state, good.kind, good.problem, good.processed_at) == ("completed", "mp4", "", timezone.now())
    assert (bad.state, bad.problem) == ("failed", "It is a ZIP archive, not a video.")
    assert bad.processed_at == timezone.now()
    assert fresh(waiting).state == "uploading"
    failure = Failure.objects.get()
    assert (failure.category, failure.reason, failure.reference) == ("refused", "no_video", f"video {bad.pk}")
    assert check(clinic.region) == {}


@pytest.mark.django_db(transaction=True)
def test_the_command_checks_what_waits_and_the_bytes_of_what_failed_go(tus: Tus, clinic: Clinic) -> None:
    """[S3-12]"""
    good, bad = tus.whole(clinic.patient, webm()), tus.whole(clinic.patient, b"MZ" + bytes(99))
    call_command("upload_video", "--region", clinic.region.name, "--wait")
    assert (fresh(good).state, fresh(bad).state) == ("completed", "failed")
    assert [path.name for path in folder().iterdir()] == [fresh(good).file]


def test_a_region_takes_the_kinds_and_the_size_that_it_says(tus: Tus, clinic: Clinic) -> None:
    video, other = tus.whole(clinic.patient, webm()), tus.whole(clinic.patient, mp4())
    clinic.region.env_vars = {"UPLOAD_TYPES": "mp4 quicktime"}
    clinic.region.save()
    assert check(clinic.region) == {"failed": 1, "completed": 1}
    assert fresh(video).problem == "It is WebM, which this region does not take."
    assert fresh(other).state == "completed"


def test_a_file_that_is_lost_is_said(tus: Tus, clinic: Clinic) -> None:
    upload = tus.whole(clinic.patient, mp4())
    (folder() / upload.file).unlink()
    assert check(clinic.region) == {"failed": 1}
    assert fresh(upload).problem == "Its file is not there any more."


def test_what_the_job_is_not_told(clinic: Clinic, elsewhere: Clinic, api: APIClient) -> None:
    theirs = Upload.objects.create(
        region=elsewhere.region, patient=elsewhere.patient, length=5, expires_at=elsewhere.patient.created_at
    )
    wrong: list[dict[str, Any]] = [{"only": []}, {"only": [theirs.pk]}, {"only": "all"}, {"file": "x"}]
    for raw in wrong:
        with pytest.raises(Misuse):
            start("upload_video", clinic.region, **raw)
    with pytest.raises(Misuse):
        start("upload_video", None)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("UPLOAD_MAX_MB", ("1", "2048", "65536"), ("0", "65537", "2 GB", "-1", "1.5")),
        ("UPLOAD_TYPES", ("mp4", "mp4 webm"), ("avi", "mp4,webm", "mp4  webm")),
    ],
)
def test_the_keys_of_a_region(key: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [keys.env_var_problem(key, value) for value in good] == [None] * len(good)
    assert all(keys.env_var_problem(key, value) for value in bad)


def test_finished_it_is_withdrawn_no_more(tus: Tus, clinic: Clinic) -> None:
    upload = tus.whole(clinic.patient, mp4())
    check(clinic.region)
    assert tus.withdraw(upload).status_code == 409
    assert fresh(upload).file


@pytest.mark.parametrize("how", ["delete", "anonymise"])
def test_with_a_patient_goes_the_file(
    tus: Tus, clinic: Clinic, how: str, django_capture_on_commit_callbacks: Any
) -> None:
    """[S3-14] The rows first, the files after the commit; what a crash leaves in between is swept up."""
    book(clinic.wish(MONDAY), FRONT_DESK)
    upload = tus.whole(clinic.patient, mp4())
    check(clinic.region)
    unfinished = tus.begun(clinic.patient, 5, filename="Okonkwo")
    tus.send(unfinished, b"ab")
    with django_capture_on_commit_callbacks(execute=False):
        remove(clinic.patient, how, FRONT_DESK)
    assert len(list(folder().iterdir())) == 2
    assert sweep() == 2
    assert list(folder().iterdir()) == []
    if how == "anonymise":
        assert (fresh(upload).state, fresh(upload).file) == ("completed", "")
        assert (fresh(unfinished).state, fresh(unfinished).metadata) == ("withdrawn", "")
    else:
        assert not Upload.objects.exists()


def test_clean_up_deletes_what_was_not_finished(
    tus: Tus, clinic: Clinic, now: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.UPLOAD_KEPT_HOURS = 4
    old, withdrawn, whole = tus.begun(clinic.patient, 5), tus.begun(clinic.patient, 5), tus.whole(clinic.patient, mp4())
    tus.send(old, b"ab")
    tus.withdraw(withdrawn)
    now.shift(timedelta(hours=3))
    young = tus.begun(clinic.patient, 5)
    now.shift(timedelta(hours=2))
    with django_capture_on_commit_callbacks(execute=True):
        call_command("clean_up")
    assert set(Upload.objects.values_list("pk", flat=True)) == {whole.pk, young.pk}
    assert [path.name for path in folder().iterdir()] == [whole.file]


def test_who_sent_and_who_saw_a_video_stands_in_the_audit_log(tus: Tus, clinic: Clinic) -> None:
    upload = tus.whole(clinic.patient, mp4())
    entries = LogEntry.objects.filter(content_type__model="upload", object_pk=str(upload.pk))
    assert entries.get().changes == {"state": ["uploading", "received"]}
    tus.client.get(f"/api/v1/uploads/{upload.pk}/")
    assert entries.filter(action=LogEntry.Action.ACCESS).count() == 1


def test_the_pages_show_how_a_video_stands_and_mask_its_patient(sign_in: SignIn, north: World) -> None:
    upload = a_video(north.region)
    page, file = f"{LIST}{upload.pk}/change/", f"{LIST}{upload.pk}/file/"
    operator, viewer = sign_in("operator"), sign_in("viewer")
    for address in (LIST, page):
        assert "P-SECRET" in text_of(operator, address)
        assert "SECRET" not in text_of(viewer, address)
    assert "Completed" in text_of(operator, LIST)
    assert file in text_of(operator, page)
    assert file not in text_of(viewer, page)
    answer = operator.get(file)
    assert b"".join(answer.streaming_content) == mp4()  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="video-{upload.pk}.mp4"'
    assert LogEntry.objects.filter(additional_data__download=True).count() == 1


def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    mine, theirs, failed = a_video(north.region), a_video(south.region), a_video(north.region, state="failed")
    pages = [LIST, f"{LIST}{mine.pk}/change/", f"{LIST}{mine.pk}/file/"]
    for address in pages:
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    assert sign_in("viewer").get(pages[2]).status_code == 403
    assert sign_in("engineer").get(pages[2]).status_code == 403
    operator = sign_in("operator")
    assert [operator.get(f"{LIST}{theirs.pk}/{page}/").status_code for page in ("change", "file")] == [404, 404]
    assert operator.get(f"{LIST}{failed.pk}/file/").status_code == 404
    assert f"video {theirs.pk}<" not in text_of(operator, LIST)
    assert operator.post(f"{LIST}{mine.pk}/delete/").status_code == 403
