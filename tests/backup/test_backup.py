"""`backup` and `restore`: what they write, what they refuse in one line, and what is deleted in time."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from backoffice.backup import databases, keys, taking
from backoffice.backup.manifest import NAME, read
from backoffice.fields import key_ids_in_use
from backoffice.keyring import key_ids
from backoffice.runs.faults import Misuse
from tests.factories import RegionFactory
from tests.processes import ROOT

ON_SQLITE = {"DATABASE_URL": "", "REDIS_URL": "", "FIELD_KEYS": "", "SECRET_KEY": "", "ACCUMULATORS_DATABASE_URL": ""}
SECRET = "a-token-nobody-should-read"


def manage(home: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env={**os.environ, **ON_SQLITE, "NIGHTWARD_HOME": str(home), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a region that has a secret, and a file of a night."""
    home = tmp_path_factory.mktemp("source")
    assert manage(home, "migrate", "--verbosity=0").returncode == 0
    region = {"name": "north", "time_zone": "America/Chicago", "env_vars": {"HOSPITAL_API_TOKEN": SECRET}}
    region["env_vars"]["HOSPITAL_GRAPHQL_URL"] = "https://hospital.example/graphql"  # type: ignore[index]
    (home / "north.json").write_text(json.dumps(region))
    assert manage(home, "load_region", str(home / "north.json")).returncode == 0
    (home / "nights" / "1").mkdir(parents=True)
    (home / "nights" / "1" / "extract.parquet").write_bytes(b"PAR1" * 1000)
    return home


@pytest.fixture(scope="module")
def taken(source: Path) -> Path:
    """A back-up of it."""
    done = manage(source, "backup", str(source / "backups"))
    assert done.returncode == 0, done.stderr
    (made,) = [path for path in (source / "backups").iterdir() if path.is_dir()]
    assert done.stdout == f"{made}\n"
    assert done.stderr == (f"The keys are in {made}.keys: move it elsewhere, for who has both can read every secret.\n")
    return made


@pytest.fixture
def copy(taken: Path, tmp_path: Path) -> Path:
    """The back-up, to be harmed."""
    shutil.copytree(taken, tmp_path / "backups" / taken.name)
    shutil.copy(f"{taken}.keys", tmp_path / "backups")
    return tmp_path / "backups" / taken.name


def keys_of(made: Path) -> Path:
    return made.with_name(made.name + ".keys")


def refused(home: Path, *arguments: str, **environment: str) -> str:
    """What `restore` says; nothing is written."""
    done = manage(home, "restore", *arguments, **environment)
    assert done.returncode == 2, done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert {path.name for path in home.glob("*")} <= {"secret_key", "field_key", "nightward.sqlite3", "nights"}
    return done.stderr.strip().removeprefix("CommandError: ")


@pytest.mark.slow
def test_only_its_owner_can_read_it_and_the_keys_are_not_in_it(taken: Path, source: Path) -> None:
    for path in [taken, *taken.rglob("*"), keys_of(taken)]:
        assert path.stat().st_mode & 0o077 == 0, path
    found = read(taken)
    assert set(found.files) == {"databases/default.sqlite3", "files/nights/1/extract.parquet"}
    key = (source / "field_key").read_text()
    assert key in keys_of(taken).read_text()
    for path in taken.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert key.encode() not in content
            assert SECRET.encode() not in content


@pytest.mark.slow
def test_put_back_in_an_empty_home_the_secrets_open_again(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "new"
    done = manage(home, "restore", str(copy), "--keys", str(keys_of(copy)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Restored as it was at 20")
    exported = manage(home, "export_region", "north", "--secrets")
    assert json.loads(exported.stdout)["env_vars"]["HOSPITAL_API_TOKEN"] == SECRET
    assert (home / "nights" / "1" / "extract.parquet").read_bytes() == b"PAR1" * 1000
    assert (home / "field_key").stat().st_mode & 0o077 == 0
    assert (home / "nightward.sqlite3").stat().st_mode & 0o077 == 0
    assert manage(home, "migrate", "--check").returncode == 0


@pytest.mark.slow
def test_a_place_that_is_filled_is_refused(copy: Path, source: Path, tmp_path: Path) -> None:
    done = manage(source, "restore", str(copy))
    assert (done.returncode, done.stderr) == (
        2,
        "CommandError: The database default is not empty: name a new one by DATABASE_URL or NIGHTWARD_HOME.\n",
    )
    home = tmp_path / "files-only"
    (home / "nights" / "7").mkdir(parents=True)
    said = refused(home, str(copy), "--keys", str(keys_of(copy)))
    assert said == f"{home}/nights, where nights are kept, is not empty: set NIGHTWARD_HOME to a new folder."


@pytest.mark.slow
def test_without_its_keys_it_is_refused(copy: Path, tmp_path: Path) -> None:
    said = refused(tmp_path / "a", str(copy))
    (key,) = read(copy).keys
    assert said == (
        f"Its secrets are sealed with the key {key}, which is not here: set FIELD_KEYS to those it was taken with, or"
        " give their file by --keys."
    )
    other = "A" * 43 + "="
    assert key in refused(tmp_path / "b", str(copy), "--keys", str(keys_of(copy)), FIELD_KEYS=other)
    said = refused(tmp_path / "c", str(copy), "--keys", str(copy / NAME))
    assert said == f"{copy / NAME} is no file of keys that `backup` wrote."
    right = json.loads(keys_of(copy).read_text())["FIELD_KEYS"][0]
    assert manage(tmp_path / "d", "restore", str(copy), FIELD_KEYS=right).returncode == 0


NEW = "B" * 43 + "="


def back_up(home: Path, **environment: str) -> Path:
    done = manage(home, "backup", str(home / "backups"), "--no-keys", **environment)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_one_that_was_taken_amid_a_rotation_asks_for_the_old_key_as_well(source: Path, tmp_path: Path) -> None:
    home = tmp_path / "rotating"
    shutil.copytree(source, home, ignore=shutil.ignore_patterns("backups"))
    old = (home / "field_key").read_text().strip()
    both = f"{NEW},{old}"
    ((new_id,), (old_id,)) = (key_ids([key]) for key in (NEW, old))
    amid = back_up(home, FIELD_KEYS=both)
    assert read(amid).keys == [new_id, old_id]
    said = refused(tmp_path / "a", str(amid), FIELD_KEYS=NEW)
    assert said.startswith(f"Its secrets are sealed with the key {old_id}, which is not here: ")
    said = refused(tmp_path / "b", str(amid), FIELD_KEYS="C" * 43 + "=")
    assert said.startswith(f"Its secrets are sealed with the keys {new_id}, {old_id}, which are not here: ")
    assert manage(tmp_path / "c", "restore", str(amid), FIELD_KEYS=both).returncode == 0
    assert manage(home, "rotate_field_keys", FIELD_KEYS=both).returncode == 0
    shutil.rmtree(amid)
    assert read(back_up(home, FIELD_KEYS=both)).keys == [new_id]


@pytest.mark.django_db
def test_the_keys_that_rows_are_sealed_with_are_asked_of_the_database(settings: Settings) -> None:
    """Of every encrypted field; a key that nobody has opens nothing here, so that no back-up asks for it."""
    settings.FIELD_KEYS = [NEW]
    RegionFactory.create(env_vars={"HOSPITAL_API_TOKEN": SECRET})
    settings.FIELD_KEYS = ["C" * 43 + "=", "D" * 43 + "="]
    assert key_ids_in_use() == set(key_ids([NEW]))
    assert keys.needed() == key_ids(["C" * 43 + "="])
    settings.FIELD_KEYS = ["C" * 43 + "=", NEW, "D" * 43 + "="]
    assert keys.needed() == key_ids(["C" * 43 + "=", NEW])


def harm(folder: Path, what: str) -> None:
    database, manifest = folder / "databases" / "default.sqlite3", folder / NAME
    if what == "a bit":
        content = bytearray(database.read_bytes())
        content[len(content) // 2] ^= 1
        database.write_bytes(content)
    elif what == "the end":
        os.truncate(database, database.stat().st_size - 1)
    elif what == "a file":
        (folder / "files" / "nights" / "1" / "extract.parquet").unlink()
    elif what == "the manifest":
        manifest.unlink()
    elif what == "half the manifest":
        manifest.write_text(manifest.read_text()[:100])
    else:
        found = json.loads(manifest.read_text())
        found.update(json.loads(what))
        manifest.write_text(json.dumps(found))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a bit", "is damaged: databases/default.sqlite3 is not what was written. Take another back-up."),
        ("the end", "is damaged: databases/default.sqlite3 is not what was written."),
        ("a file", "is incomplete: files/nights/1/extract.parquet is missing."),
        ("the manifest", "has no manifest.json: it is no back-up, or was not finished."),
        ("half the manifest", "manifest.json cannot be read (JSONDecodeError): take another back-up."),
        ('{"format": 2}', "was taken by another version of Nightward: restore it with that version."),
        ('{"files": 7}', "manifest.json is damaged: take another back-up."),
        ('{"engines": {"default": "postgresql"}}', "It has the databases default in postgresql: set DATABASE_URL and"),
        ('{"migrations": {}}', "It was taken by another version: it lacks "),
        ('{"migrations": {"future": ["0001_initial"]}}', "Restore it with that version, then upgrade."),
    ],
)
def test_one_that_is_broken_incomplete_or_of_another_version_is_one_line(
    copy: Path, tmp_path: Path, what: str, said: str
) -> None:
    harm(copy, what)
    assert said in refused(tmp_path / "new", str(copy), "--keys", str(keys_of(copy)))


@pytest.mark.slow
def test_the_folder_of_all_of_them_is_told_from_one(copy: Path) -> None:
    with pytest.raises(Misuse) as told:
        read(copy.parent)
    one_of = f"Give one of those in it, the newest is {copy}."
    assert str(told.value) == f"{copy.parent} holds back-ups and is none itself. {one_of}"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_one_that_breaks_off_leaves_nothing_that_could_be_taken_for_a_back_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*names: Any) -> None:
        raise OSError(28, "No space left on device", "file")

    monkeypatch.setattr(taking, "_files", full)
    with pytest.raises(CommandError, match=r"file: No space left on device\. Nothing was kept\."):
        call_command("backup", str(tmp_path / "backups"))
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_older_ones_are_deleted_with_their_keys_and_never_the_newest(
    tmp_path: Path, settings: Settings, capsys: Any
) -> None:
    settings.BACKUPS_KEPT_DAYS = 14
    region = RegionFactory.create()
    for name in ("20200101T000000Z", "20200102T000000Z", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / NAME).write_text("{}")
        (tmp_path / f"{name}.keys").write_text("")
    (tmp_path / "20200103T000000Z.part").mkdir()
    (tmp_path / "notes").mkdir()
    taking.forget(tmp_path, days=0, say=print)
    assert len(list(tmp_path.iterdir())) == 7
    call_command("backup", str(tmp_path), "--no-keys")
    made = capsys.readouterr().out.split()[-1]
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "mine.keys", "notes", Path(made).name}
    assert LogEntry.objects.get_for_object(region).filter(additional_data__export="backup").count() == 1
    (tmp_path / "mine" / NAME).unlink()
    (tmp_path / made).rename(tmp_path / "20200101T000000Z")
    taking.forget(tmp_path, days=14, say=print)
    assert (tmp_path / "20200101T000000Z").is_dir()


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> dict[str, Path]:
    """Two databases as a night has them, of one row: images and checkpoint in the one, accumulators in the other."""
    paths = {alias: tmp_path / f"{alias}.sqlite3" for alias in ("default", "accumulators")}
    for path in paths.values():
        with closing(sqlite3.connect(path)) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE figures (image INTEGER, accumulator INTEGER, checkpoint INTEGER)")
            made.execute("INSERT INTO figures VALUES (0, 0, 0)")
            made.commit()
    named = {alias: SimpleNamespace(vendor="sqlite", settings_dict={"NAME": path}) for alias, path in paths.items()}
    monkeypatch.setattr(databases, "connections", named)
    settings.ACCUMULATORS_DATABASE = "accumulators"
    return paths


@pytest.mark.slow
def test_two_databases_are_of_one_moment_however_busy_a_night_is(pair: dict[str, Path], tmp_path: Path) -> None:
    """[S2-21] [X-10]: no checkpoint without its accumulators, no accumulator without its before image."""
    stop = threading.Event()

    def night() -> None:
        work, other = (sqlite3.connect(pair[alias], timeout=60, isolation_level=None) for alias in pair)
        number = 0
        with closing(work), closing(other):
            while not stop.is_set():
                number += 1
                work.execute("UPDATE figures SET image = ?", (number,))
                other.execute("UPDATE figures SET accumulator = ?", (number,))
                work.execute("UPDATE figures SET checkpoint = ?", (number,))

    worker = threading.Thread(target=night)
    worker.start()
    try:
        seen = [figures(tmp_path / f"{number}-") for number in range(60)]
    finally:
        stop.set()
        worker.join()
    assert len(set(seen)) > 10
    for image, accumulator, checkpoint in seen:
        assert checkpoint <= accumulator <= image


def figures(stem: Path) -> tuple[int, int, int]:
    with databases.snapshots() as found:
        for alias, snapshot in found.items():
            snapshot.write(Path(f"{stem}{alias}"))
    with closing(sqlite3.connect(f"{stem}default")) as work, closing(sqlite3.connect(f"{stem}accumulators")) as other:
        image, checkpoint = work.execute("SELECT image, checkpoint FROM figures").fetchone()
        return image, other.execute("SELECT accumulator FROM figures").fetchone()[0], checkpoint


@given(name=st.text(max_size=30))
def test_what_is_not_named_by_a_time_is_never_taken_for_an_old_back_up(name: str) -> None:
    now = datetime.now(UTC)
    assert taking._taken(f"x{name}", now) == now


def test_a_program_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Misuse, match="pg_dump is not installed: apt install postgresql-client"):
        databases.run_program("pg_dump", (), next(iter(connections)))


def test_a_database_that_breaks_off_is_one_line_and_nothing_is_kept(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(taking, "_databases", broken)
    with pytest.raises(CommandError, match=r"^A database broke off \(OperationalError\)\. Nothing was kept\.$"):
        call_command("backup", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
