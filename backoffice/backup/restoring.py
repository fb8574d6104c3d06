"""Put a back-up into an empty home and empty databases. What could go wrong is looked at before anything is written."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from backoffice.backup import databases, keys, manifest
from backoffice.backup.taking import folders
from backoffice.home import home_folder, private_folder
from backoffice.runs.faults import Misuse


def restore(folder: Path, keys_file: Path | None) -> manifest.Manifest:
    """Misuse, in one line, where the back-up or this place is not fit for it; nothing is written then."""
    found = manifest.read(folder)
    given = keys.read(keys_file) if keys_file else None
    _same_version(found)
    _same_engines(found)
    keys.check(found.keys, given)
    _all_empty()
    manifest.check(folder, found)
    if given:
        keys.put_back(given)
    _files(folder)  # first, so that no row tells of a file that is not there
    for alias in connections:
        databases.put_back(alias, folder / "databases" / databases.file_of(alias))
    return found


def _same_version(found: manifest.Manifest) -> None:
    """A database belongs to the migrations that made it."""
    ours: dict[str, set[str]] = {}
    for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}:
        ours.setdefault(app, set()).add(name)
    theirs = {app: set(names) for app, names in found.migrations.items()}
    for app in sorted(set(ours) | set(theirs)):
        missing, unknown = ours.get(app, set()) - theirs.get(app, set()), theirs.get(app, set()) - ours.get(app, set())
        if missing or unknown:
            what = f"lacks {app} {min(missing)}" if missing else f"has {app} {min(unknown)}, which is not known here"
            raise Misuse(f"It was taken by another version: it {what}. Restore it with that version, then upgrade.")


def _same_engines(found: manifest.Manifest) -> None:
    here = {alias: databases.engine(alias) for alias in connections}
    if here != found.engines:
        said = ", ".join(f"{alias} in {engine}" for alias, engine in sorted(found.engines.items()))
        raise Misuse(f"It has the databases {said}: set DATABASE_URL and ACCUMULATORS_DATABASE_URL to such.")


def _all_empty() -> None:
    for alias in connections:
        if not databases.is_empty(alias):
            raise Misuse(f"The database {alias} is not empty: name a new one by DATABASE_URL or NIGHTWARD_HOME.")
    for alias, folder in folders()[0].items():
        if folder.is_dir() and any(folder.iterdir()):
            raise Misuse(f"{folder}, where {alias} are kept, is not empty: set NIGHTWARD_HOME to a new folder.")


def _files(folder: Path) -> None:
    home_folder(Path(settings.NIGHTWARD_HOME))
    for alias, target in folders()[0].items():
        source = folder / "files" / alias
        for path in sorted(source.rglob("*")):
            if path.is_file():
                goal = target / path.relative_to(source)
                private_folder(goal.parent)
                shutil.copyfile(path, goal)
                goal.chmod(0o600)
