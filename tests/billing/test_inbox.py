"""The mailbox is looked at twice, and what is new in it is fetched and stored once. edi.md 7.3; S3-11."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from backoffice.runs.models import Failure, Run, RunStatus
from backoffice.runs.report import run_report
from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from billing.models import Document, Payment
from claims.edi.reports import Limits
from regions.models import Region
from tests.billing.answered import arrive, paid, payment, process, send, syntax
from tests.factories import RegionFactory
from tests.processes import Processes
from tests.running import finish, start
from tests.sftp.world import PASSWORD, STRANGER, USER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick_looks(settings: Settings) -> None:
    settings.SFTP_LOOK_SECONDS = 0.05


@pytest.fixture
def clearinghouse(tmp_path: Path) -> Iterator[ClearinghouseServer]:
    account = Account(user=USER, password=PASSWORD)
    with ClearinghouseServer(tmp_path / "clearinghouse", account=account, sweeping=False) as server:
        yield server


@pytest.fixture
def region(clearinghouse: ClearinghouseServer, transactional_db: None) -> Region:
    return region_at(clearinghouse)


def region_at(server: ClearinghouseServer, **changes: object) -> Region:
    told = {**server.region_file()["clearinghouse"], "sender": "NIGHTWARD", "timeout": 5, **changes}
    return RegionFactory.create(name="north", clearinghouse=told, env_vars={"SFTP_PASSWORD": PASSWORD})


def put(server: ClearinghouseServer, name: str, content: bytes, mtime: int = 1_767_600_000) -> Path:
    path = server.desk.outbound / name
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return path


def listed(region: Region) -> Run:
    return finish(start("list_claim_files", region))


def outcomes(run: Run) -> dict[str, int]:
    assert run.status == RunStatus.COMPLETE, run.detail
    report = run_report(run)
    assert report["read"] == sum(report["outcomes"].values())
    return dict(report["outcomes"])


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def content_of(document: Document) -> bytes:
    return b"".join(part.content.encode("latin-1") for part in document.parts.order_by("number"))


def test_what_is_new_is_stored_as_it_is_and_stays_where_it_was(
    clearinghouse: ClearinghouseServer, region: Region
) -> None:
    content = bytes(range(256)) * 5_000 + "é~".encode("cp1252")
    path = put(clearinghouse, "100_999.999", syntax("A"))
    put(clearinghouse, "strange.bin", content)
    assert outcomes(listed(region)) == {"stored": 2}
    document = Document.objects.get(name="100_999.999")
    assert (document.kind, document.state, document.direction) == ("999", "new", "received")
    assert (document.size, document.folder) == (path.stat().st_size, "outbound")
    assert document.modified_at is not None
    assert int(document.modified_at.timestamp()) == 1_767_600_000
    strange = Document.objects.get(name="strange.bin")
    assert content_of(strange) == content
    assert strange.parts.count() == 2
    assert path.exists()


def test_bytes_are_sealed_in_the_database(clearinghouse: ClearinghouseServer, region: Region) -> None:
    put(clearinghouse, "a.835", payment("T1", paid("A1"), total=130))
    listed(region)
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM billing_documentpart")
        ((sealed,),) = cursor.fetchall()
    assert "DOE" not in sealed
    assert sealed.startswith("1.")


def test_what_is_known_is_not_fetched_again(clearinghouse: ClearinghouseServer, region: Region) -> None:
    put(clearinghouse, "a.999", syntax("A"))
    assert outcomes(listed(region)) == {"stored": 1}
    assert outcomes(listed(region)) == {"known": 1}
    put(clearinghouse, "a.999", syntax("R"), mtime=1_767_600_001)
    assert outcomes(listed(region)) == {"stored": 1}
    assert Document.objects.filter(name="a.999").count() == 2


def test_the_same_bytes_under_another_name_are_stored_once_and_fetched_once(
    clearinghouse: ClearinghouseServer, region: Region
) -> None:
    put(clearinghouse, "a.999", syntax("A"))
    listed(region)
    put(clearinghouse, "b.999", syntax("A"), mtime=1_767_600_009)
    assert outcomes(listed(region)) == {"known": 1, "same_bytes": 1}
    assert outcomes(listed(region)) == {"known": 2}
    assert Document.objects.get().said == {"also": [["b.999", 1_767_600_009]]}


def test_a_file_that_grows_is_left_for_the_next_run(
    clearinghouse: ClearinghouseServer, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(clearinghouse, "a.835", b"ISA")
    put(clearinghouse, "b.999", syntax("A"))

    def pause(seconds: float) -> None:
        with path.open("ab") as more:
            more.write(b"*00")

    with monkeypatch.context() as patch:
        patch.setattr("billing.inbox.listing.time.sleep", pause)
        assert outcomes(listed(region)) == {"changing": 1, "stored": 1}
    assert not Document.objects.filter(name="a.835").exists()
    assert outcomes(listed(region)) == {"known": 1, "stored": 1}


def test_a_name_that_is_no_text_is_cleaned_and_named_once_and_the_others_go_on(
    clearinghouse: ClearinghouseServer, region: Region
) -> None:
    """On PostgreSQL a NUL in one name ended every run at that file: the 835s after it were never fetched."""
    put(clearinghouse, "a\x01.835", payment("T1", paid("A1"), total=130))
    put(clearinghouse, "b.999", syntax("A"))
    assert outcomes(listed(region)) == {"stored": 2}
    assert outcomes(listed(region)) == {"known": 2}
    assert Failure.objects.get().reference == "a_.835"
    assert [arrive(region, syntax("A"), name).new for name in ("c\0.999", "d\0.999")] == [False, False]
    assert Document.objects.get(kind="999").said == {"also": [["c_.999", 1_767_600_000], ["d_.999", 1_767_600_000]]}


def test_a_file_over_the_limit_is_named_as_not_fetched(clearinghouse: ClearinghouseServer) -> None:
    region = region_at(clearinghouse, max_megabytes=1)
    put(clearinghouse, "big.835", b"x" * ((1 << 20) + 1))
    assert outcomes(listed(region)) == {"not_fetched": 1}
    assert Failure.objects.get().reference == "big.835"


def test_the_files_in_a_zip_are_documents_of_their_own(clearinghouse: ClearinghouseServer, region: Region) -> None:
    send(region, ["A1"])
    inner = payment("T1", paid("A1"), total=130)
    archive = zipped(**{"7_ERA.835": inner, "7_ERA.txt": b"ERA STATUS\r\n", "inner.zip": zipped(a=b"b")})
    put(clearinghouse, "7_ERA_STATUS_5010_20260105.zip", archive)
    assert outcomes(listed(region)) == {"stored": 1}
    found = Document.objects.filter(direction="received").order_by("id").values_list("name", "kind", "state")
    assert list(found) == [
        ("7_ERA_STATUS_5010_20260105.zip", "ZIP", "read"), ("7_ERA.835", "835", "new"),
        ("7_ERA.txt", "payment report", "new"), ("inner.zip", "ZIP", "unreadable"),
    ]  # fmt: skip
    assert content_of(Document.objects.get(kind="ZIP", state="read")) == archive
    assert Document.objects.get(name="7_ERA.835").folder == "outbound/7_ERA_STATUS_5010_20260105.zip"
    process(region)
    assert Payment.objects.get().state == Payment.State.POSTED


def test_a_zip_bomb_is_kept_packed_and_nothing_of_it_is_read(
    clearinghouse: ClearinghouseServer, region: Region
) -> None:
    put(clearinghouse, "bomb.zip", zipped(**{"good.txt": b"fine", "bomb.txt": b"\0" * (64 << 20)}))
    assert outcomes(listed(region)) == {"stored": 1}
    document = Document.objects.get()
    assert (document.kind, document.state) == ("ZIP", "unreadable")
    assert document.findings == [["file 2 of the ZIP", "ratio"]]


def test_the_limits_of_a_zip_are_an_argument(region: Region) -> None:
    from billing.inbox.storing import Arrived, store

    archive = zipped(a=b"1", b=b"2")
    stored = store(region, Arrived(name="x.zip", content=archive), limits=Limits(members=1))
    assert (stored.members, stored.document.state) == (0, "unreadable")


def test_a_wrong_host_key_ends_the_run_at_once_and_says_what_to_do(clearinghouse: ClearinghouseServer) -> None:
    region = region_at(clearinghouse, known_hosts=f"[127.0.0.1]:{clearinghouse.port} {STRANGER}")
    run = listed(region)
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "find out why before anybody connects" in run.detail
    assert clearinghouse.logins == {}


def test_a_wrong_password_is_tried_once(clearinghouse: ClearinghouseServer, region: Region) -> None:
    region.env_vars = {"SFTP_PASSWORD": "not that one"}
    region.save()
    run = listed(region)
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "check user, password and key" in run.detail
    assert "not that one" not in run.detail
    assert clearinghouse.logins == {"refused": 1}


def test_a_clearinghouse_that_is_away_is_the_other_sides_fault(
    clearinghouse: ClearinghouseServer, region: Region
) -> None:
    clearinghouse.stop()
    run = listed(region)
    assert (run.status, run.reason) == (RunStatus.FAILED, "other_side")
    assert "cannot be reached" in run.detail


def test_a_region_without_settings_is_told_what_it_lacks(transactional_db: None) -> None:
    run = listed(RegionFactory.create(name="south"))
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert "lacks clearinghouse.user" in run.detail


@pytest.mark.slow
def test_both_commands_from_the_mailbox_to_the_claim(
    clearinghouse: ClearinghouseServer, region: Region, processes: Processes
) -> None:
    send(region, ["A1"])
    put(clearinghouse, "a.835", payment("T1", paid("A1"), total=130))
    for name, found in (("list_claim_files", {"stored": 1}), ("process_claim_files", {"applied": 1})):
        ran = processes.manage(name, "--region", "north", "--wait", "--json", SFTP_LOOK_SECONDS="0.1")
        assert ran.ends(within=120) == 0, ran.output
        assert json.loads(ran.output.splitlines()[-1])["outcomes"] == found
    assert Payment.objects.get().state == Payment.State.POSTED
