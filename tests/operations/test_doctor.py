"""`doctor` names what is wrong with its next step, and nothing where nothing is."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from backoffice import apps, presence
from backoffice.fields import EncryptedField
from backoffice.operations import doctor
from backoffice.operations.doctor import Finding, findings
from backoffice.operations.standing import stands
from backoffice.runs.models import Run
from backoffice.telemetry import probes
from clinic.care.models import CommandState
from tests.admin.conftest import make_run
from tests.factories import RegionFactory
from tests.processes import Processes

pytestmark = pytest.mark.django_db


@pytest.fixture
def all_run(queue: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process of the list runs, and the settings are those of production."""
    monkeypatch.setattr(doctor, "_settings", lambda: iter(()))
    monkeypatch.setattr(probes, "disk", lambda: probes.OK)
    kinds = stands([], datetime.now(UTC))
    for number, meant in enumerate(each.meant for each in kinds for _ in range(each.meant.least)):
        presence.Presence(name=meant.name, on_restart=lambda: None, pid=number).beat()


def parts_of(found: list[Finding]) -> list[str]:
    return [each.part for each in found]


def said(**options: object) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("doctor", stdout=out, **options)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_where_nothing_is_wrong_it_says_so(all_run: None) -> None:
    status, text = said()
    assert (status, text.startswith("Nothing is wrong")) == (0, True), text


def test_a_process_that_does_not_run_is_named_with_its_command(all_run: None, queue: Redis) -> None:
    queue.delete(presence.PROCESSES)
    status, text = said()
    assert status == 1
    assert "publisher: " in text
    assert "Start: python manage.py publish_events --every 1" in text
    assert "checkup" not in text


def test_where_cron_starts_the_commands_the_clock_is_not_missed(all_run: None, queue: Redis) -> None:
    for key, text in queue.hgetall(presence.PROCESSES).items():
        if b'"cron"' in text:
            queue.hdel(presence.PROCESSES, key)
    assert parts_of(list(findings())) == ["cron"]
    CommandState.objects.create(command="clean_up", began_at=timezone.now())
    assert list(findings()) == []


def test_a_run_that_failed_is_named(all_run: None) -> None:
    make_run(RegionFactory.create(name="north", display_name="North"), status="failed", reason="config")
    (found,) = findings()
    assert (found.part, "North" in found.what, found.act) == ("run", True, "The dashboard leads to it.")
    assert json.loads(said(json=True)[1])["findings"][0]["part"] == "run"


def test_secrets_that_no_key_opens_are_counted(all_run: None, settings: object) -> None:
    region = RegionFactory.create(name="north", env_vars={"HOSPITAL_API_TOKEN": "t"})
    assert list(findings()) == []
    column = next(field for field in type(region)._meta.local_fields if isinstance(field, EncryptedField))
    setattr(settings, "FIELD_KEYS", ["A" * 43 + "="])  # noqa: B010
    assert column.attname
    (found,) = findings()
    assert found == Finding(
        part="secrets", what="1 secret cannot be opened.",
        act="Put the key that sealed them into FIELD_KEYS, or enter them anew.",
    )  # fmt: skip


def test_without_a_queue_the_rest_is_still_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, all_run: None
) -> None:
    monkeypatch.setattr("django.conf.settings.RQ_QUEUES", {"default": {"URL": f"unix://{tmp_path}/none.sock"}})
    found = list(findings())
    assert parts_of(found) == ["queue"]
    assert Run.objects.count() == 0


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_one_line(processes: Processes, tmp_path: Path) -> None:
    processes.environment["DATABASE_URL"] = f"sqlite:///{tmp_path}/nowhere/at-all.sqlite3"
    command = processes.manage("doctor")
    assert command.ends() == 1
    assert "database: The database does not answer." in command.output
    assert "Traceback" not in command.output


def test_a_folder_that_others_can_read_is_named_by_the_checks_for_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite makes its file with mode 644; only the folder keeps other users of the machine out."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "some.sqlite3")}
    monkeypatch.setattr(apps, "settings", SimpleNamespace(DATABASES={"default": database}, ALERT_MAIL_TO=[]))
    for mode, warned in ((0o755, True), (0o701, True), (0o750, False), (0o700, False)):
        tmp_path.chmod(mode)
        found = [each.id for each in run_checks(include_deployment_checks=True)]
        assert ("nightward.W001" in found) is warned
    tmp_path.chmod(0o755)
    database["ENGINE"] = "django.db.backends.postgresql"
    assert apps.check_home() == []


@pytest.mark.parametrize(
    ("to", "backend", "warned"),
    [(["a@example.org"], "console", True), (["a@example.org"], "smtp", False), ([], "console", False)],
)
def test_alerts_that_would_be_mailed_to_the_log_are_named_by_the_checks_for_production(
    settings: Settings, to: list[str], backend: str, warned: bool
) -> None:
    settings.ALERT_MAIL_TO, settings.EMAIL_BACKEND = to, f"django.core.mail.backends.{backend}.EmailBackend"
    assert ["nightward.W002"] * warned == [each.id for each in apps.check_mail()]
