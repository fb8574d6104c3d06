"""One writer at a time: by the file's lock on one machine, by the row's fence between several (contract S3-12)."""

from io import BytesIO
from typing import Any

import pytest
from rest_framework.test import APIClient

from backoffice.rest.errors import Conflict
from clinic.uploads import writing
from clinic.uploads.files import folder, let_go, sweep
from clinic.uploads.models import Upload
from clinic.uploads.refusals import Gone
from clinic.uploads.writing import take_in, writer_at
from tests.booking.world import Clinic
from tests.uploads.world import Tus, content_of, mp4

pytestmark = pytest.mark.django_db
DATA = mp4()


@pytest.fixture
def tus(api: APIClient) -> Tus:
    return Tus(api)


@pytest.fixture
def upload(tus: Tus, clinic: Clinic) -> Upload:
    return tus.begun(clinic.patient, len(DATA))


class Dying:
    """Gives some bytes, then what kills a process."""

    def __init__(self, data: bytes) -> None:
        self._file = BytesIO(data)

    def read(self, size: int, /) -> bytes:
        data = self._file.read(min(size, 50))
        if not data:
            raise SystemExit("killed")
        return data


def test_of_two_writers_at_one_offset_one_wins(tus: Tus, upload: Upload) -> None:
    with writer_at(upload, 0):
        assert tus.send(upload, DATA).status_code == 409
        assert tus.head(upload)["Upload-Offset"] == "0"
    assert tus.send(upload, DATA[:9]).status_code == 204


def test_who_has_lost_the_fence_notes_nothing(upload: Upload) -> None:
    """As between machines whose folder has no locks: the later one has the row."""
    with writer_at(upload, 0) as first:
        first.file.write(DATA[:100])
        first.offset = 100
        Upload.objects.filter(pk=upload.pk).update(fence=first.fence + 1)
        with pytest.raises(Conflict):
            first.note()
    upload.refresh_from_db()
    assert upload.offset == 0


def test_what_was_noted_before_a_kill_is_there_and_the_rest_is_cut_off(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "NOTE_BYTES", 100)
    with pytest.raises(SystemExit):
        take_in(upload, 0, len(DATA), Dying(DATA[:250]))
    upload.refresh_from_db()
    assert (upload.offset, len(content_of(upload))) == (200, 250)
    other = b"\7" * 20
    assert take_in(upload, 200, 20, BytesIO(other)).offset == 220
    assert content_of(upload) == DATA[:200] + other


def test_of_a_checked_request_nothing_counts_before_its_end(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "NOTE_BYTES", 100)
    digest = writing.Checksum(algorithm="sha1", digest=b"")
    with pytest.raises(SystemExit):
        take_in(upload, 0, len(DATA), Dying(DATA[:250]), digest)
    upload.refresh_from_db()
    assert upload.offset == 0


def test_what_came_before_a_client_went_away_counts(upload: Upload) -> None:
    assert take_in(upload, 0, len(DATA), BytesIO(DATA[:70])).offset == 70


def test_withdrawn_while_it_is_written_it_is_gone(upload: Upload, django_capture_on_commit_callbacks: Any) -> None:
    with writer_at(upload, 0) as writer:
        writer.file.write(DATA[:100])
        writer.offset = 100
        with django_capture_on_commit_callbacks(execute=True):
            let_go(Upload.objects.filter(pk=upload.pk))
        with pytest.raises(Conflict):
            writer.note()
    with pytest.raises(Gone), writer_at(upload, 0):
        pass
    sweep()
    assert list(folder().iterdir()) == []


def test_a_full_disk_is_said_and_what_was_noted_stays(
    tus: Tus, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Any, piece: bytes) -> None:
        raise OSError(28, "no space left")

    tus.send(upload, DATA[:100])
    monkeypatch.setattr(writing, "_write", full)
    assert tus.send(upload, DATA[100:], 100).status_code == 503
    assert tus.head(upload)["Upload-Offset"] == "100"
