"""A video is what its content says, whatever its name (contract S3-12)."""

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.uploads.content import NotVideo, kind_of
from tests.uploads.world import CLUSTER, LIVE, TRACKS, box, element, mp4, webm


def judged(data: bytes) -> str:
    """The kind, or the reason why it is none."""
    try:
        return kind_of(BytesIO(data), len(data))
    except NotVideo as why:
        return why.reason if 0 < len(str(why)) <= 120 else "no line"


def archive() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("video.mp4", mp4())
    return file.getvalue()


CUES = element(b"\x1c\x53\xbb\x6b", b"")
PROGRAM = b"MZ\x90\0" + bytes(200)
FTYP = box(b"ftyp", b"isom" + bytes(4))
LONG = (
    box(b"ftyp", b"mp42" + bytes(4)) + b"\0\0\0\1mdat" + (16 + 30).to_bytes(8) + bytes(30) + box(b"moov", box(b"trak"))
)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (mp4(), "mp4"), (mp4(b"M4V "), "mp4"), (mp4(b"3gp5"), "mp4"), (mp4(b"qt  "), "quicktime"), (LONG, "mp4"),
        (webm(), "webm"), (webm(b"matroska"), "matroska"),
        (webm(live=True), "webm"), (webm(b"matroska", TRACKS + LIVE + LIVE + CUES, live=True), "matroska"),
        (box(b"ftyp", b"iso6" + bytes(4)) + box(b"moov", box(b"mvhd") + box(b"trak")) + box(b"moof"), "mp4"),
    ],
)  # fmt: skip
def test_what_is_a_video(data: bytes, kind: str) -> None:
    """A box may be longer than 4 GiB; a segment that was recorded live does not say how long it is."""
    assert judged(data) == kind


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"MZ\x90\0" + bytes(200), "a program"), (b"\x7fELF\2" + bytes(200), "a program"),
        (b"#!/bin/sh\nrm -rf /\n", "a script"), (archive(), "a ZIP archive"),
        (b"<!DOCTYPE html><html></html>", "a web page"), (b" \n<HTML><script>", "a web page"), (b"%PDF-1.7", "a PDF"),
        (b"\xff\xd8\xff\xe0", "a picture"), (b"", "no kind"), (b"\0" * 300, "no kind"),
    ],
)  # fmt: skip
def test_what_is_renamed_is_refused_in_a_clear_line(data: bytes, says: str) -> None:
    """[S3-12]"""
    with pytest.raises(NotVideo, match=says):
        kind_of(BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mp4(b"heic"), "brand"), (mp4(b"M4A "), "brand"), (mp4(b"avif"), "brand"),
        (mp4()[:-1], "cut_off"), (mp4() + b"PK\x03\x04", "cut_off"), (mp4() + archive(), "cut_off"),
        (box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(9)), "no_index"),
        (webm(b"something"), "document_type"), (webm()[:-1], "cut_off"),
        (element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm")) + b"<html>", "no_segment"),
        (b"\x1a\x45\xdf\xa3", "document_type"),
        (webm() + PROGRAM, "cut_off"), (webm(content=b"") + PROGRAM, "cut_off"), (webm(live=True) + PROGRAM, "cut_off"),
        (webm(content=TRACKS + LIVE, live=True) + PROGRAM, "cut_off"), (webm(content=PROGRAM), "cut_off"),
        (webm(content=TRACKS + CLUSTER + element(b"\xa3", b"")), "cut_off"),
        (webm(content=TRACKS), "empty"), (webm(content=CLUSTER, live=True), "empty"), (webm(content=b""), "empty"),
        (FTYP + box(b"free", PROGRAM) + box(b"moov"), "empty"), (FTYP + box(b"mdat") + box(b"moov"), "empty"),
        (FTYP + box(b"free", PROGRAM) + box(b"moov", box(b"trak")), "empty"),
    ],
)  # fmt: skip
def test_what_looks_like_a_video_and_is_none(data: bytes, reason: str) -> None:
    assert judged(data) == reason


@given(st.sampled_from([b"", b"\x1a\x45\xdf\xa3", mp4()[:8], mp4()[:12], webm()[:20]]), st.binary(max_size=200))
def test_whatever_comes_is_judged_and_nothing_breaks(beginning: bytes, rest: bytes) -> None:
    assert judged(beginning + rest) != "no line"


@given(st.integers(1, len(webm()) - 1), st.sampled_from([mp4(), mp4(b"qt  "), webm()]))
def test_no_part_of_a_video_is_one(length: int, data: bytes) -> None:
    assert judged(data[: min(length, len(data) - 1)]) not in ("mp4", "quicktime", "webm")
