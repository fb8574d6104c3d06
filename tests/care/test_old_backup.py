"""The alarm of a back-up that fails or does not run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from pytest_django import Settings

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from clinic.care.models import CommandState
from clinic.care.schedule.noting import note_command
from tests.admin.conftest import SignIn, north, sign_in, text_of
from tests.processes import Processes

__all__ = ["north", "sign_in"]
pytestmark = pytest.mark.django_db
SET_UP = datetime(2026, 3, 16, 2, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAGE = "/admin/care/commandstate/"


@pytest.fixture(autouse=True)
def installation(db: None, settings: Settings) -> None:
    """It was set up that night, and back-ups are its own."""
    settings.BACKUP_HOURS = 26
    with time_machine.travel(SET_UP, tick=False):
        check_alerts()


def said(at: datetime) -> list[str]:
    with time_machine.travel(at, tick=False):
        check_alerts()
    return list(Alert.objects.standing().filter(key="backup").values_list("message", flat=True))


def ended(at: datetime, status: int) -> None:
    with time_machine.travel(at, tick=False):
        note_command(["backup", "/var/backups", "--no-keys"], status, at)


def test_an_installation_without_one_is_told_of_after_26_hours() -> None:
    """features.md C4: an expected run did not occur."""
    assert said(SET_UP + 25 * HOUR) == []
    (message,) = said(SET_UP + 27 * HOUR)
    assert message.startswith("No back-up has been made yet. docs/operations.md says how")
    ended(SET_UP + 28 * HOUR, 0)
    assert said(SET_UP + 29 * HOUR) == []


def test_one_that_fails_night_after_night_is_told_of_with_its_status() -> None:
    ended(SET_UP + HOUR, 0)
    ended(SET_UP + 25 * HOUR, 1)
    assert said(SET_UP + 26 * HOUR) == []
    (message,) = said(SET_UP + 28 * HOUR)
    assert message.startswith("The last back-up was made 2026-03-16 03:10 UTC. The last try ended with status 1.")


def test_none_is_missed_where_another_program_makes_them(settings: Settings) -> None:
    settings.BACKUP_HOURS = 0
    assert said(SET_UP + 100 * HOUR) == []


def test_the_schedule_says_when_it_was_made(sign_in: SignIn) -> None:
    assert "No back-up by <code>manage.py backup</code> is known." in text_of(sign_in("operator"), PAGE)
    ended(SET_UP, 0)
    ended(SET_UP + HOUR, 1)
    page = text_of(sign_in("operator"), PAGE)
    assert "The last back-up was made 2026-03-16 02:10 UTC; the last try ended with status 1." in page


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_command_itself_is_what_is_known(processes: Processes, tmp_path: Path) -> None:
    """Its own end is written down, whatever started it."""
    assert processes.manage("backup", "--help").ends() == 0
    assert not CommandState.objects.filter(command="backup").exclude(status=None).exists()
    (tmp_path / "a file").write_text("")
    assert processes.manage("backup", str(tmp_path / "a file" / "backups"), "--no-keys").ends() == 1
    row = CommandState.objects.get(command="backup")
    assert (row.ended_at, row.status, row.region) == (None, 1, None)
    assert processes.manage("backup", str(tmp_path / "backups"), "--no-keys").ends() == 0
    row.refresh_from_db()
    assert row.ended_at is not None
