"""What the program keeps on disk lies under NIGHTWARD_HOME; the first use makes it, for this user alone."""

import base64
import os
import secrets
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ

CONNECT_SECONDS = 4  # a probe waits five


class HomeUnusable(SystemExit):
    """NIGHTWARD_HOME cannot be written; the message says what to do. Status 2: wrong use."""

    def __init__(self, folder: Path, error: OSError) -> None:
        reason = os.strerror(error.errno) if error.errno else "cannot be written"
        sys.stderr.write(f"{folder}: {reason}. Set NIGHTWARD_HOME to a folder that you can write.\n")
        super().__init__(2)


def home_folder(folder: Path) -> Path:
    """Make `folder` with mode 700 where it is missing, and return it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(folder, error) from None
    return folder


def private_folder(folder: Path) -> None:
    """Make `folder`, and whatever of its parents is missing, with mode 700."""
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)


def private_text(path: Path, *, bytes_of_entropy: int) -> str:
    """The text in `path`, made once from random bytes (URL-safe base64), readable by this user alone.

    Two processes that make it at the same time read the same text: the second one's link fails.
    """
    if not path.exists():
        home_folder(path.parent)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(bytes_of_entropy)))
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        except OSError as error:
            raise HomeUnusable(path.parent, error) from None
    return path.read_text().strip()


def database_config(url: str) -> dict[str, Any]:
    """Django's settings of a database; a line and status 2 for an address that names none."""
    config: dict[str, Any] = {}
    with suppress(ValueError), warnings.catch_warnings(action="ignore"):
        config = environ.Env.db_url_config(url)
    if not config.get("ENGINE"):
        sys.stderr.write("DATABASE_URL is no address of a database. One such: postgresql://user:password@host/name\n")
        raise SystemExit(2)
    if config["ENGINE"].endswith("postgresql"):
        # A machine that is gone says nothing: without a limit each thread of the web waits for it, /livez as well.
        config.setdefault("OPTIONS", {}).setdefault("connect_timeout", CONNECT_SECONDS)
    return config


def database_url(home: Path) -> str:
    """The embedded database's URL, its folder made."""
    home_folder(home)
    return f"sqlite:///{home / 'nightward.sqlite3'}"
