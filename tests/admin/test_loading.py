"""A day's claims loaded from the admin: CSV files or a ZIP, whole or not at all, from nobody else's hands."""

import io
import stat
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from auditlog.models import LogEntry
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backoffice.runs.faults import Misuse
from claims.models import Provider, StagedBatch, StagedLine
from claims.rejects import rejects, reprocess
from claims.uploads import NAMES, unpack
from regions.models import Region
from tests.admin.claims_world import make_claims
from tests.admin.conftest import SignIn, World, said, text_of
from tests.claims.folders import COLUMNS, line, provider, small_world, write_folder
from tests.claims.nights import make_run
from tests.factories import UserFactory

LOAD = "/admin/claims/night/batches/load/"
BATCHES = "/admin/claims/night/batches/"


@pytest.fixture
def day(tmp_path: Path) -> dict[str, bytes]:
    """The files of a small day, by name."""
    write_folder(tmp_path, small_world())
    return {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}


def zipped(files: dict[str, bytes], *entries: tuple[ZipInfo, bytes]) -> dict[str, bytes]:
    """One archive of the files and of entries that an honest packer would not make."""
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for entry, content in entries:
            archive.writestr(entry, content)
    return {"day.zip": packed.getvalue()}


def send(client: Client, region: Region, files: dict[str, bytes] | Iterable[tuple[str, bytes]]) -> str:
    """What the page answers; where it leads on, its message."""
    pairs = files.items() if isinstance(files, dict) else files
    form = {"region": region.pk, "files": [SimpleUploadedFile(name, content) for name, content in pairs]}
    response = client.post(LOAD, form)
    return said(response) if response.status_code == 302 else response.content.decode()


@pytest.fixture
def refused(sign_in: SignIn, north: World) -> Callable[..., str]:
    """What is said of files that change nothing and leave nothing behind."""

    def sent(files: dict[str, bytes] | Iterable[tuple[str, bytes]]) -> str:
        page = send(sign_in("operator"), north.region, files)
        assert "Nothing was loaded" in page
        assert not StagedBatch.objects.exists()
        assert not Provider.objects.exists()
        assert leftovers() == []
        return page

    return sent


def leftovers() -> list[Path]:
    return list((settings.NIGHTWARD_HOME / "uploads").glob("*"))


def test_nobody_loads_without_signing_in(client: Client, north: World, day: dict[str, bytes]) -> None:
    for address in (LOAD, BATCHES):
        assert client.get(address)["Location"].startswith("/admin/login/")
    response = client.post(LOAD, {"region": north.region.pk, "files": SimpleUploadedFile("x.zip", b"x" * 1000)})
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("role", [None, "viewer", "finance", "auditor", "engineer"])
def test_only_who_starts_nights_and_sees_patients_loads(
    sign_in: SignIn, north: World, day: dict[str, bytes], role: str | None
) -> None:
    client = sign_in(role)
    assert client.get(LOAD).status_code == 403
    assert client.post(LOAD, {"region": north.region.pk}).status_code == 403
    if role:
        assert "Load claims…" not in text_of(client, BATCHES)
    else:
        assert client.get(BATCHES).status_code == 403
    assert not StagedBatch.objects.exists()


def test_another_region_is_not_there_to_be_loaded_or_listed(
    sign_in: SignIn, south: World, day: dict[str, bytes]
) -> None:
    make_claims(south.region)
    client = sign_in("operator")
    assert "Select a valid choice" in send(client, south.region, day)
    assert StagedBatch.objects.count() == 1
    assert "South" not in text_of(client, BATCHES)
    assert "South" not in text_of(client, LOAD)


def test_the_form_asks_for_a_csrf_token(sign_in: SignIn, north: World, day: dict[str, bytes]) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = sign_in("operator").cookies
    files = [SimpleUploadedFile(name, content) for name, content in day.items()]
    assert guarded.post(LOAD, {"region": north.region.pk, "files": files}).status_code == 403
    assert not StagedBatch.objects.exists()


def test_the_csv_files_are_loaded_together(sign_in: SignIn, north: World, day: dict[str, bytes]) -> None:
    client = sign_in("operator")
    answer = send(client, north.region, day)
    assert answer == f"1 line staged as batch {StagedBatch.objects.get().pk} for the next night of North."
    assert Provider.objects.get().region == north.region
    assert leftovers() == []
    page = text_of(client, BATCHES)
    for words in ("upload by user-", "10 files", "waits for the next", "1 batch<"):
        assert words in page.replace("\n", "").replace("  ", "")
    entry = LogEntry.objects.get_for_object(StagedBatch.objects.get()).latest("pk")
    assert entry.actor is not None
    assert entry.additional_data["region"] == north.region.pk
    assert entry.additional_data["files"] == sorted(day)


def test_a_zip_of_a_folder_is_loaded_as_a_mac_packs_it(sign_in: SignIn, north: World, day: dict[str, bytes]) -> None:
    packed = {f"day/{name}": content for name, content in day.items()}
    packed |= {"day/": b"", "__MACOSX/day/._plans.csv": b"x", "day/.DS_Store": b"x"}
    assert "1 line staged" in send(sign_in("operator"), north.region, zipped(packed))
    assert StagedLine.objects.get().claim_id == "C1"


def test_the_names_are_those_that_the_loader_reads() -> None:
    assert {name.removesuffix(".csv") for name in NAMES} == set(COLUMNS)


def test_what_is_wrong_is_said_by_file_and_line(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "wrong",
        small_world(providers=[provider("P", active_from="soon")], claim_lines=[line(), line("")]),
    )
    page = refused({path.name: path.read_bytes() for path in folder.glob("*.csv")})
    assert "providers.csv line 2: active_from" in page
    assert "claim_lines.csv line 3: claim_id is empty" in page


def test_a_running_night_is_not_disturbed(sign_in: SignIn, north: World, day: dict[str, bytes]) -> None:
    make_run(north.region, date(2026, 3, 2), status="queued")
    assert "A night of north is running" in send(sign_in("operator"), north.region, day)


def of(name: str, mode: int = 0) -> ZipInfo:
    entry = ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


@pytest.mark.parametrize(
    "name", ["../claim_lines.csv", "/claim_lines.csv", "day/../../claim_lines.csv", "..\\claim_lines.csv"]
)
def test_a_zip_that_names_another_folder_is_refused(
    refused: Callable[..., str], day: dict[str, bytes], name: str
) -> None:
    page = refused(zipped({}, (of(name), day["claim_lines.csv"])))
    assert "outside its own folder" in page or "is none of the files" in page


def test_a_link_in_a_zip_is_refused(refused: Callable[..., str], day: dict[str, bytes]) -> None:
    assert "holds a link" in refused(zipped(day, (of("link", stat.S_IFLNK | 0o777), b"/etc/passwd")))


def test_an_encrypted_zip_is_refused(refused: Callable[..., str], day: dict[str, bytes]) -> None:
    (packed,) = zipped({"claim_lines.csv": day["claim_lines.csv"]}).values()
    at = packed.rindex(b"PK\x01\x02") + 8  # its flags in the directory
    assert "without a password" in refused({"day.zip": packed[:at] + b"\x01" + packed[at + 1 :]})


@pytest.mark.slow
def test_a_zip_that_is_damaged_anywhere_is_refused_or_whole(tmp_path: Path, day: dict[str, bytes]) -> None:
    (good,) = zipped(day).values()
    refusals = 0
    for place in range(0, len(good), 3):
        damaged = good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]
        folder = tmp_path / str(place)
        folder.mkdir()
        try:
            unpack([SimpleUploadedFile("day.zip", damaged)], folder, most=1_000_000)
        except Misuse:
            refusals += 1
        assert {path.name for path in folder.iterdir()} <= set(NAMES)
    assert refusals > 100


def test_a_bomb_is_not_unpacked(refused: Callable[..., str], day: dict[str, bytes], settings: Any) -> None:
    settings.CLAIMS_UPLOAD_MB = 1
    bomb = zipped({**day, "plans.csv": b"0" * 3_000_000})
    assert len(bomb["day.zip"]) < 20_000
    assert "unpacks to more than 1 MB" in refused(bomb)
    (packed,) = bomb.values()
    lying = packed.replace((3_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert lying != packed
    assert "Nothing was loaded" in refused({"day.zip": lying})


def test_a_zip_of_very_many_files_is_refused(refused: Callable[..., str]) -> None:
    assert "has 101 entries" in refused(zipped({f"{number}.csv": b"" for number in range(101)}))


def test_more_than_the_limit_is_refused_while_it_is_sent(refused: Callable[..., str], settings: Any) -> None:
    settings.CLAIMS_UPLOAD_MB = 1
    assert "larger than 1 MB together" in refused({"claim_lines.csv": b"0" * 3_000_000})


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ([], "Choose the files"),
        ([("notes.txt", b"x")], "none of the files that are read"),
        ([("claim_lines.csv", b"x"), ("claim_lines.csv", b"x")], "two files called claim_lines.csv"),
        ([("plans.csv", b"x")], "There is no claim_lines.csv"),
        ([("a.zip", b"x"), ("plans.csv", b"x")], "either one ZIP file or the CSV files"),
        ([("a.zip", b"no archive")], "cannot be read"),
    ],
)
def test_what_is_no_folder_of_claims_is_refused(
    refused: Callable[..., str], files: list[tuple[str, bytes]], what: str
) -> None:
    assert what in refused(files)


def test_batches_are_filtered_and_lead_to_their_night(sign_in: SignIn, north: World) -> None:
    world = make_claims(north.region)
    StagedBatch.objects.create(region=north.region, source="folder of today", lines=12_345)
    client = sign_in("viewer")
    waiting = text_of(client, f"{BATCHES}?state=waiting")
    assert "12,345" in waiting
    assert f"/admin/claims/night/{world.night.pk}/change/" not in waiting
    taken = text_of(client, f"{BATCHES}?state=taken")
    assert f"/admin/claims/night/{world.night.pk}/change/" in taken
    assert "folder of today" not in taken
    assert "No batch matches" in text_of(client, f"{BATCHES}?region=south")
    StagedLine.objects.all().delete()
    StagedBatch.objects.all().delete()
    assert "Nothing has been loaded yet" in text_of(client, BATCHES)


def test_a_load_that_should_not_have_been_is_discarded_after_a_question(
    sign_in: SignIn, north: World, day: dict[str, bytes]
) -> None:
    client = sign_in("operator")
    send(client, north.region, day)
    batch = StagedBatch.objects.get()
    address = f"{BATCHES}{batch.pk}/discard/"
    assert address in text_of(client, BATCHES)
    assert f"Discard batch {batch.pk}?" in text_of(client, address)
    assert StagedLine.objects.exists()
    assert said(client.post(address)) == f"Batch {batch.pk} is gone, with 1 line."
    assert not StagedLine.objects.exists()
    assert not StagedBatch.objects.exists()
    gone = LogEntry.objects.filter(object_pk=str(batch.pk))
    assert any("discarded" in str(entry.changes) for entry in gone)


def test_what_a_night_has_taken_is_not_discarded(sign_in: SignIn, north: World) -> None:
    world = make_claims(north.region)
    client = sign_in("operator")
    taken = StagedBatch.objects.get(run_date=world.night.run_date)
    assert "/discard/" not in text_of(client, BATCHES)
    assert "belongs to a night by now" in said(client.post(f"{BATCHES}{taken.pk}/discard/"))
    assert StagedBatch.objects.exists()


@pytest.mark.parametrize("role", ["operator", "finance"])
def test_rejects_that_were_staged_again_are_open_once_their_batch_is_discarded(
    sign_in: SignIn, north: World, role: str
) -> None:
    """By who may load, and by who has staged them."""
    world = make_claims(north.region)
    reprocess(rejects(), UserFactory.create())
    client = sign_in(role)
    again = StagedBatch.objects.get(run_date=None)
    address = f"{BATCHES}{again.pk}/discard/"
    assert address in text_of(client, BATCHES)
    assert "among the rejected ones of 2026-03-02" in text_of(client, address)
    assert said(client.post(address)) == (
        f"Batch {again.pk} is gone, with 2 lines. Its claims are open again, among the rejected ones."
    )
    world.reject.refresh_from_db()
    assert (world.reject.resolution, world.reject.resolved_by, world.reject.resolved_at) == ("open", None, None)
    entry = LogEntry.objects.get_for_object(world.reject).latest("pk")
    assert entry.additional_data["batch"] == again.pk
    assert reprocess(rejects(), UserFactory.create()).claims == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("finance", 403), ("engineer", 403), ("auditor", 403)])
def test_who_may_not_load_may_not_discard(sign_in: SignIn, north: World, role: str, status: int) -> None:
    batch = StagedBatch.objects.create(region=north.region, source="a test", lines=1)
    client = sign_in(role)
    assert client.post(f"{BATCHES}{batch.pk}/discard/").status_code == status
    if role != "finance":
        StagedBatch.objects.update(rejects_of="2026-03-02")
        assert client.post(f"{BATCHES}{batch.pk}/discard/").status_code == status
    assert "/discard/" not in text_of(client, BATCHES)
    assert StagedBatch.objects.exists()


def test_another_regions_load_is_not_there_to_be_discarded(sign_in: SignIn, south: World, client: Client) -> None:
    batch = StagedBatch.objects.create(region=south.region, source="a test", lines=1)
    address = f"{BATCHES}{batch.pk}/discard/"
    assert sign_in("operator").post(address).status_code == 404
    assert client.post(address)["Location"].startswith("/admin/login/")
    asking = Client(enforce_csrf_checks=True)
    asking.force_login(UserFactory.create(role="operator", regions=[south.region]))
    assert asking.post(address).status_code == 403
    assert StagedBatch.objects.exists()
