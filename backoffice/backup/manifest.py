"""What a back-up holds, file by file; written last, so that one without it was not finished."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from backoffice.runs.faults import Misuse

NAME = "manifest.json"
FORMAT = 1
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """`engines`: alias of a database → sqlite or postgresql. `migrations`: app → those that were applied. `keys`: ids
    of the keys that its secrets are sealed with, newest first. `files`: path in the folder → (SHA-256, bytes).
    `elsewhere`: storages that are no folders of this machine, and are not in it."""

    taken_at: str
    engines: dict[str, str]
    migrations: dict[str, list[str]]
    keys: list[str]
    files: dict[str, tuple[str, int]]
    elsewhere: list[str]
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        path = folder / NAME
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        path.chmod(0o600)


def read(folder: Path) -> Manifest:
    """The folder's; Misuse, in a line, where it has none or one of another format."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        inside = sorted(path.parent.name for path in folder.glob(f"*/{NAME}"))
        one_of = f" Give one of those in it, the newest is {folder / inside[-1]}." if inside else ""
        unfinished = f"has no {NAME}: it is no back-up, or was not finished"
        what = "holds back-ups and is none itself" if inside else unfinished
        raise Misuse(f"{folder} {what}.{one_of}") from None
    except (OSError, ValueError) as error:
        raise Misuse(f"{folder / NAME} cannot be read ({type(error).__name__}): take another back-up.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Misuse(f"{folder} was taken by another version of Nightward: restore it with that version.")
    try:
        found["files"] = {path: (str(digest), int(size)) for path, (digest, size) in found["files"].items()}
        return Manifest(**found)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Misuse(f"{folder / NAME} is damaged: take another back-up.") from None


def check(folder: Path, manifest: Manifest) -> None:
    """Misuse, in a line, where a file is missing or is not what it was."""
    for name, (digest, size) in sorted(manifest.files.items()):
        path = folder / name
        if not path.is_file():
            raise Misuse(f"{folder} is incomplete: {name} is missing. Take another back-up.")
        if path.stat().st_size != size or sha256(path) != digest:
            raise Misuse(f"{folder} is damaged: {name} is not what was written. Take another back-up.")


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
