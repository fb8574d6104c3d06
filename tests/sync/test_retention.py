"""Patient data of syncs is kept as long as they can be undone, and no longer."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from backoffice.runs.report import run_report
from regions.jobs import sync_parameters
from regions.models import PhoneRow, PhoneUpdate, Region, UndeliverablePhone
from regions.sync import retention
from regions.sync.retention import Forgotten, forget, forgettable
from regions.sync.undeliverable import report
from regions.sync.undoing import undoable
from tests.admin.phone_world import IDENTIFIER, PATIENT, Phones, make_phones, make_rows, make_sync_run, make_update
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db
KEPT: tuple[type[Model], ...] = (PhoneRow, PhoneUpdate, UndeliverablePhone)


@pytest.fixture(autouse=True)
def _several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 4)


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(name="purbalingga", country="ID")


def ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def aged(run: Run, days: int) -> Run:
    Run.objects.filter(pk=run.pk).update(created_at=ago(days), started_at=ago(days), ended_at=ago(days))
    return run


def kept(region: Region) -> list[int]:
    return [model._default_manager.filter(region=region).count() for model in KEPT]


def undo_of(phones: Phones) -> Run:
    undo = make_sync_run(phones.region, parameters={"mode": "undo", "run": phones.run.pk})
    make_update(undo, undoes=phones.update)
    return undo


def test_an_old_sync_loses_its_patients_and_keeps_its_figures(region: Region) -> None:
    old, new = make_phones(region), make_phones(region)
    other = make_phones(RegionFactory.create(name="lombok-barat"))
    aged(old.run, 401), aged(other.run, 401)
    before = run_report(old.run)
    assert forget(region, ago(400)) == Forgotten(rows=6, changes=1, numbers=0)
    assert not PhoneRow.objects.filter(run=old.run).exists()
    assert not PhoneUpdate.objects.filter(run=old.run).exists()
    assert kept(region) == [6, 1, 0]
    assert PhoneRow.objects.filter(run=new.run).count() == 6
    assert kept(other.region) == [6, 1, 0]
    assert run_report(old.run) == before
    assert forget(region, ago(400)) == Forgotten(rows=0, changes=0, numbers=0)


def test_numbers_that_are_settled_go_and_open_ones_stay(region: Region) -> None:
    settled, fresh, still_open = (report(region, f"081234567{n}00", "refused") for n in range(3))
    UndeliverablePhone.objects.filter(pk=settled.pk).update(resolution="fixed", resolved_at=ago(401))
    UndeliverablePhone.objects.filter(pk=fresh.pk).update(resolution="dismissed", resolved_at=ago(399))
    UndeliverablePhone.objects.filter(pk=still_open.pk).update(first_reported_at=ago(900))
    assert forget(region, ago(400)).numbers == 1
    assert set(UndeliverablePhone.objects.values_list("pk", flat=True)) == {fresh.pk, still_open.pk}


def test_what_a_later_undo_has_put_back_stays_as_long_as_the_undo(region: Region) -> None:
    phones = make_phones(region)
    undo = undo_of(phones)
    aged(phones.run, 500), aged(undo, 300)
    assert not forget(region, ago(400)).any
    assert kept(region) == [6, 2, 0]
    aged(undo, 401)
    assert forget(region, ago(400)) == Forgotten(rows=6, changes=2, numbers=0)


@pytest.mark.parametrize("status", ["queued", "running", "stopping"])
def test_what_a_run_is_at_work_on_stays_however_old(region: Region, status: str) -> None:
    """Its own rows, and those of the run whose failures it repeats."""
    phones = make_phones(region)
    repeats = aged(make_sync_run(region, parameters={"mode": "write", "only": {"failures_of": phones.run.pk}}), 600)
    make_rows(repeats)
    aged(phones.run, 700)
    Run.objects.filter(pk=repeats.pk).update(status=status, ended_at=None)
    assert not forget(region, ago(400)).any
    Run.objects.filter(pk=repeats.pk).update(status="failed")
    assert forget(region, ago(400)).rows == 12


def test_a_chain_counts_from_its_last_attempt(region: Region) -> None:
    phones = make_phones(region, status="failed")
    aged(phones.run, 500)
    fields = {"job": "sync_phones", "key": region.name, "region": region, "chain": phones.run.chain, "attempt": 2}
    again = Run.objects.create(**fields, status="complete", parameters={"mode": "write"})
    assert not forget(region, ago(400)).any
    aged(again, 401)
    assert forget(region, ago(400)).rows == 6


def test_a_sync_that_is_forgotten_is_neither_undone_nor_repeated_and_says_so(region: Region) -> None:
    phones = make_phones(region)
    assert sync_parameters(region, {"mode": "undo", "run": phones.run.pk})
    aged(phones.run, 401)
    forget(region, ago(400))
    assert undoable(phones.run).forgotten
    for parameters, says in (
        ({"mode": "undo", "run": phones.run.pk}, "kept no more .* cannot be undone"),
        ({"only": {"failures_of": phones.run.pk}}, "kept no more .* sync all rows instead"),
    ):
        with pytest.raises(Misuse, match=says):
            sync_parameters(region, parameters)


def test_the_audit_log_says_what_went_and_of_nobody(region: Region) -> None:
    aged(make_phones(region).run, 401)
    forget(region, ago(400))
    [entry] = LogEntry.objects.filter(changes__has_key="patient data of phone syncs")
    assert entry.changes["patient data of phone syncs"] == ["6 rows, 1 changes, 0 undeliverable numbers", ""]
    assert entry.additional_data["region"] == region.pk
    assert not [word for word in (IDENTIFIER, PATIENT) if word in str(entry.changes) + str(entry.additional_data)]


def command(**options: object) -> str:
    out = StringIO()
    call_command("forget_phones", stdout=out, **options)
    return out.getvalue()


def test_the_command_previews_then_forgets_and_is_silent(region: Region) -> None:
    other = RegionFactory.create(name="lombok-barat")
    for one in (region, other):
        aged(make_phones(one).run, 401)
    promised = forgettable(region, ago(400))
    day = f"{ago(400):%Y-%m-%d}"
    assert command(preview=True, region="purbalingga") == (
        f"purbalingga: 6 rows, 1 change and 0 undeliverable numbers of syncs before {day} would be forgotten\n"
    )
    assert kept(region) == [6, 1, 0]
    assert json.loads(command(json=True, region="purbalingga"))["purbalingga"] == {
        "rows": promised.rows, "changes": promised.changes, "numbers": 0,
    }  # fmt: skip
    assert kept(other) == [6, 1, 0]
    assert command() == ""
    assert kept(other) == [0, 0, 0]


def test_days_are_the_settings_or_the_lines(region: Region, settings: object) -> None:
    aged(make_phones(region).run, 31)
    assert json.loads(command(json=True, preview=True))["purbalingga"]["rows"] == 0
    assert json.loads(command(json=True, preview=True, days=30))["purbalingga"]["rows"] == 6
    settings.PHONE_KEPT_DAYS = 30  # type: ignore[attr-defined]
    assert json.loads(command(json=True, preview=True))["purbalingga"]["rows"] == 6
    for refused in ({"days": 0}, {"region": "nowhere"}):
        with pytest.raises(CommandError) as error:
            command(**refused)
        assert error.value.returncode == 2
