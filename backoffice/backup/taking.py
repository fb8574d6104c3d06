"""Take a back-up beside whatever runs: the databases, then the files, which are written before what tells of them."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from backoffice.backup import databases, keys, manifest
from backoffice.home import private_folder

NAMES = "%Y%m%dT%H%M%SZ"
UNFINISHED = ".part"
KEYS = ".keys"
# A process that still writes one is no older.
LONGEST = timedelta(days=1)


def take(parent: Path, *, with_keys: bool) -> Path:
    """Make a folder of the present time in `parent`, whole or not at all; its keys beside it where asked. OSError and
    Misuse leave nothing that `restore` would take."""
    private_folder(parent)
    now = datetime.now(UTC)
    folder = parent / f"{now:{NAMES}}"
    draft = folder.with_name(folder.name + UNFINISHED)
    draft.mkdir(mode=0o700)
    try:
        migrations, needed = applied(), keys.needed()
        _databases(draft)
        elsewhere = _files(draft)
        files = {str(path.relative_to(draft)): _facts(path) for path in sorted(draft.rglob("*")) if path.is_file()}
        manifest.Manifest(
            taken_at=now.isoformat(),
            engines={alias: databases.engine(alias) for alias in connections},
            migrations=migrations,
            keys=needed,
            files=files,
            elsewhere=elsewhere,
        ).write(draft)
        if with_keys:
            keys.write(folder.with_name(folder.name + KEYS))
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def applied() -> dict[str, list[str]]:
    """App → the migrations that the database has."""
    found: dict[str, list[str]] = {}
    for app, name in MigrationRecorder(connections["default"]).applied_migrations():
        found.setdefault(app, []).append(name)
    return {app: sorted(names) for app, names in sorted(found.items())}


def folders() -> tuple[dict[str, Path], list[str]]:
    """Storage → its folder on this machine; and those that are elsewhere, such as in an object store."""
    found, elsewhere = {}, []
    for alias in sorted(set(settings.STORAGES) - {"staticfiles"}):
        storage = storages[alias]
        if isinstance(storage, FileSystemStorage):
            found[alias] = Path(storage.location)
        else:
            elsewhere.append(alias)
    return found, elsewhere


def _databases(draft: Path) -> None:
    (draft / "databases").mkdir(mode=0o700)
    with databases.snapshots() as found:
        for alias, snapshot in found.items():
            path = draft / "databases" / databases.file_of(alias)
            snapshot.write(path)
            path.chmod(0o600)


def _files(draft: Path) -> list[str]:
    """Copy what is there; what is deleted meanwhile, such as by clean_up, is not missed."""
    here, elsewhere = folders()
    for alias, folder in here.items():
        for path in _below(folder):
            target = draft / "files" / alias / path.relative_to(folder)
            private_folder(target.parent)
            try:
                shutil.copyfile(path, target)
            except FileNotFoundError:
                target.unlink(missing_ok=True)
                continue
            target.chmod(0o600)
    return elsewhere


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _facts(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in manifest.chunks(path):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def forget(parent: Path, *, days: int, say: Callable[[str], None]) -> None:
    """Delete back-ups older than so many days, and their keys, but never the newest; 0 keeps all. And what a process
    that was killed has left."""
    now = datetime.now(UTC)
    for path in parent.glob(f"*{UNFINISHED}"):
        if _taken(path.name.removesuffix(UNFINISHED), now) < now - LONGEST:
            shutil.rmtree(path)
    whole = sorted(path for path in parent.iterdir() if (path / manifest.NAME).is_file())
    for path in whole[:-1]:
        if days and _taken(path.name, now) < now - timedelta(days=days):
            shutil.rmtree(path)
            path.with_name(path.name + KEYS).unlink(missing_ok=True)
            say(f"{path} is deleted: it is older than {days} days (BACKUPS_KEPT_DAYS).")


def _taken(name: str, otherwise: datetime) -> datetime:
    """When, by its name; what is named otherwise is not ours to delete."""
    try:
        return datetime.strptime(name, NAMES).replace(tzinfo=UTC)
    except ValueError:
        return otherwise
