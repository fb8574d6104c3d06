"""The keys, in a file of their own: who has it and a back-up has everything."""

import json
import os
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from backoffice.fields import key_ids_in_use
from backoffice.home import home_folder
from backoffice.keyring import key_ids
from backoffice.runs.faults import Misuse

HOME_FILES = {"SECRET_KEY": "secret_key", "FIELD_KEYS": "field_key"}


def write(path: Path) -> None:
    """SECRET_KEY and FIELD_KEYS as they are now, readable by this user alone; FileExistsError where there is one."""
    text = json.dumps({"SECRET_KEY": settings.SECRET_KEY, "FIELD_KEYS": list(settings.FIELD_KEYS)})
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def read(path: Path) -> dict[str, list[str]]:
    """SECRET_KEY and FIELD_KEYS, each as a list; Misuse, without the text, where the file is none of ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        keys = {"SECRET_KEY": [str(found["SECRET_KEY"])], "FIELD_KEYS": [str(key) for key in found["FIELD_KEYS"]]}
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise Misuse(f"{path} is no file of keys that `backup` wrote.") from None
    key_ids(keys["FIELD_KEYS"])
    return keys


def needed() -> list[str]:
    """Ids of our keys without which something in the database would not open any more, newest first: the newest, and
    while a rotation is not over the older ones. All of them, where the tables are not yet as this code has them."""
    ours = key_ids(settings.FIELD_KEYS)
    try:
        used = key_ids_in_use() if len(ours) > 1 else set()
    except DatabaseError:
        return ours
    return [key_id for key_id in ours if key_id == ours[0] or key_id in used]


def check(needed: list[str], given: dict[str, list[str]] | None) -> None:
    """Misuse unless the secrets of the back-up, sealed under `needed`, will open: with FIELD_KEYS where it is set, else
    with the keys given, else with this home's."""
    ring = given["FIELD_KEYS"] if given and not _is_set("FIELD_KEYS") else list(settings.FIELD_KEYS)
    if missing := [key_id for key_id in needed if key_id not in key_ids(ring)]:
        which = f"key {missing[0]}, which is" if len(missing) == 1 else f"keys {', '.join(missing)}, which are"
        what_to_do = "set FIELD_KEYS to those it was taken with, or give their file by --keys"
        raise Misuse(f"Its secrets are sealed with the {which} not here: {what_to_do}.")
    if len(ring) > 1 and not _is_set("FIELD_KEYS"):
        raise Misuse("The file has several keys, and NIGHTWARD_HOME holds one: set FIELD_KEYS to those in it.")


def put_back(given: dict[str, list[str]]) -> None:
    """Into NIGHTWARD_HOME, where the environment does not say them."""
    home = home_folder(Path(settings.NIGHTWARD_HOME))
    for variable, name in HOME_FILES.items():
        if not _is_set(variable):
            with os.fdopen(os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(given[variable][0])


def _is_set(variable: str) -> bool:
    return bool(os.environ.get(variable))
