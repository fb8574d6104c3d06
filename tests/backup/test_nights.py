"""A back-up taken in the midst of a night, put back elsewhere: the night goes on and comes to the same."""

import pickle
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from claims.models import StepSetting
from tests.claims.folders import RUN_DATE
from tests.claims.test_other_database import elsewhere as elsewhere
from tests.claims.undisturbed import FREQUENCY, PARTITIONS, Left, forget_the_worker, ready, undisturbed
from tests.conftest import database_url
from tests.processes import Processes

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
COMMIT = "backoffice.runs.kernel:_commit"


@pytest.fixture
def empty_place(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home and a database that nobody has used, of the kind that the test's own is."""
    home = {"NIGHTWARD_HOME": str(tmp_path / "restored")}
    url = database_url()
    if url.startswith("sqlite"):
        yield {**home, "DATABASE_URL": f"sqlite:///{tmp_path}/restored/nightward.sqlite3"}
        return
    name = sql.Identifier(f"restored_{secrets.token_hex(4)}")
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield {**home, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name.as_string()[1:-1]}").geturl()}
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def killed_in_step_5(processes: Processes, **environment: str) -> str:
    """The region whose night died between a write of its accumulators and the checkpoint that vouches for it."""
    undisturbed()
    region = ready()
    StepSetting.objects.update(commit_frequency=FREQUENCY)
    arguments = ("-m", "tests.claims.dying", region.name, str(PARTITIONS), COMMIT, "before", "4", "adjudicate")
    child = processes.start(sys.executable, *arguments, **environment)
    assert child.ends(within=90) == -signal.SIGKILL, child.output
    forget_the_worker()
    return region.name


def back_up(processes: Processes, folder: Path, **environment: str) -> tuple[Path, Path]:
    """(the back-up, its keys)"""
    backup = processes.manage("backup", str(folder), **environment)
    assert backup.ends(within=90) == 0, backup.output
    assert "move it elsewhere" in backup.output
    (made,) = [path for path in folder.iterdir() if path.is_dir()]
    return made, made.with_name(f"{made.name}.keys")


def restore_and_go_on(processes: Processes, made: tuple[Path, Path], region: str, place: dict[str, str]) -> Left:
    backup, keys = made
    restored = processes.manage("restore", str(backup), "--keys", str(keys), **place)
    assert restored.ends(within=90) == 0, restored.output
    night = ("--region", region, "--run-date", str(RUN_DATE), "--partitions", str(PARTITIONS), "--wait")
    again = processes.manage("run_pipeline", *night, **place)
    assert again.ends(within=120) == 0, again.output
    file = Path(place["NIGHTWARD_HOME"]) / "left"
    left = processes.start(sys.executable, "-m", "tests.backup.left", region, str(file), **place)
    assert left.ends(within=60) == 0, left.output
    found: Left = pickle.loads(file.read_bytes())
    return found


def assert_same(found: Left) -> None:
    right = undisturbed()
    for name in Left.__dataclass_fields__:
        assert getattr(found, name) == getattr(right, name), name


def test_a_night_that_was_killed_in_step_5_goes_on_from_its_back_up(
    processes: Processes, empty_place: dict[str, str], tmp_path: Path
) -> None:
    """[S2-17] [S2-22] [S2-24] [S2-25]"""
    region = killed_in_step_5(processes)
    made = back_up(processes, tmp_path / "backups")
    assert_same(restore_and_go_on(processes, made, region, {**empty_place, "REDIS_URL": "", "FIELD_KEYS": ""}))


def test_with_the_accumulators_in_a_database_of_their_own(
    elsewhere: str,
    processes: Processes,
    empty_place: dict[str, str],
    tmp_path: Path,
) -> None:
    """[S2-21] [X-10]: both are of one moment."""
    both = {"ACCUMULATORS_DATABASE_URL": elsewhere}
    region = killed_in_step_5(processes, **both)
    made = back_up(processes, tmp_path / "backups", **both)
    own = {"ACCUMULATORS_DATABASE_URL": f"sqlite:///{tmp_path}/restored/accumulators.sqlite3"}
    place = {**empty_place, **own, "REDIS_URL": "", "FIELD_KEYS": ""}
    assert_same(restore_and_go_on(processes, made, region, place))
    assert (tmp_path / "restored" / "accumulators.sqlite3").stat().st_size > 0
