"""A claim that was rejected and has come again is paid once, in whatever order its nights are run again."""

import re
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.state import waiting_parts
from claims.models import Night, StagedBatch, StagedLine
from claims.pipeline.load import FolderRefused, load
from claims.pipeline.restage import batch_for_rejects, discard
from claims.rejects import rejects, reprocess
from regions.models import Region
from tests.claims.folders import RUN_DATE, adjudicated_of, line, provider, run_night, small_world, staged, write_folder
from tests.factories import UserFactory
from tests.running import finish, go_on, start

pytestmark = pytest.mark.django_db(transaction=True)

NEXT, AFTER = date(2024, 1, 16), date(2024, 1, 17)
KNOWN = {"providers": [provider("P"), provider("Q")]}


def rejected_once(folder: Path) -> tuple[Region, Run]:
    """C1 was paid and C2 rejected, for a provider that nobody knew."""
    region = staged(folder, small_world(claim_lines=[line(), line("C2", provider_npi="Q")]))
    return region, run_night(region)


def come_again(region: Region, folder: Path, *, known: bool = True) -> StagedBatch:
    """C2 corrected, with C3; the provider is known by now."""
    staged(
        folder, {**(KNOWN if known else {}), "claim_lines": [line("C2"), line("C3", service_date="2024-01-11")]}, region
    )
    return StagedBatch.objects.filter(region=region).latest("pk")


def undo(region: Region, run_date: date, **options: bool) -> None:
    call_command("undo_pipeline", region=region.name, run_date=run_date.isoformat(), wait=True, **options)


def paid(region: Region) -> list[tuple[str, str]]:
    """(claim, night) of every line that stands."""
    runs = [night.last_run for night in Night.objects.filter(region=region).order_by("run_date")]
    return [(claim, run.parameters["run_date"][-2:]) for run in runs if run for claim, _ in sorted(adjudicated_of(run))]


def complete(*runs: Run) -> bool:
    return all(run.status == RunStatus.COMPLETE for run in runs)


def load_without_what_is_named(region: Region, folder: Path, *, paid_on: date = RUN_DATE) -> None:
    with pytest.raises(FolderRefused, match=f"claim C2 line 1 was adjudicated on {paid_on} already"):
        load(folder, region)
    staged(folder, {"claim_lines": [line("C3", service_date="2024-01-11")]}, region)


def test_a_claim_that_passes_now_is_not_paid_while_it_waits_as_well(tmp_path: Path) -> None:
    """S2-22: validated anew, the night would pay what the next one pays once more."""
    region, first = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2")
    failed = go_on(first, "validate")
    assert failed.detail == (
        f"Claim C2 line 1 of batch {again.pk - 1} passes now, but has come again: it waits in batch {again.pk}."
        " Discard it, restart this night, and load it again when this night has been run."
    )
    assert ("C2", "15") not in paid(region)
    discard(again)
    assert complete(go_on(failed))
    load_without_what_is_named(region, tmp_path / "2")
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "15"), ("C3", "16")]


@pytest.mark.slow
def test_a_claim_that_is_rejected_again_may_wait_as_well(tmp_path: Path) -> None:
    region, first = rejected_once(tmp_path / "1")
    come_again(region, tmp_path / "2", known=False)
    assert complete(go_on(first, "validate"), run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "16"), ("C3", "16")]


@pytest.mark.slow
def test_a_claim_that_passes_now_is_not_paid_while_an_undone_night_has_it_as_well(tmp_path: Path) -> None:
    """S2-18, S2-22: both nights undone by hand, and run again."""
    region, _ = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2", known=False)
    run_night(region, run_date=NEXT)
    staged(tmp_path / "3", KNOWN, region)
    undo(region, NEXT)
    undo(region, RUN_DATE)
    failed = run_night(region)
    assert failed.detail == (
        f"Claim C2 line 1 of batch {again.pk - 1} passes now, but has come again: it is in batch {again.pk}. Take the"
        f" night of 2024-01-16 back (manage.py undo_pipeline --region {region.name} --run-date 2024-01-16 --release"
        " --wait), discard it, restart this night, and load it again when this night has been run."
    )
    undo(region, NEXT, release=True)
    discard(again)
    assert complete(go_on(failed))
    load_without_what_is_named(region, tmp_path / "2")
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "15"), ("C3", "16")]


@pytest.mark.parametrize(
    "state", ["undone", pytest.param("running", marks=pytest.mark.slow), pytest.param("failed", marks=pytest.mark.slow)]
)
def test_a_reject_is_not_reprocessed_while_a_later_night_decides_on_the_claim(tmp_path: Path, state: str) -> None:
    """S2-22: also not where that night has adjudicated nothing yet, or nothing any more."""
    region, first = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2")
    second = start("run_pipeline", region, run_date=NEXT.isoformat())
    part = waiting_parts().get(run=second)
    work(part.pk)
    if state == "failed":
        Run.objects.filter(pk=second.pk).update(status=RunStatus.FAILED)
    if state == "undone":
        finish(second)
        undo(region, NEXT)
    found = reprocess(rejects().filter(run=first), UserFactory.create())
    assert (found.claims, found.refused) == (
        0,
        {f"came again in batch {again.pk}, and the night of 2024-01-16 decides on that one": 1},
    )
    second = finish(second) if state == "running" else go_on(second)
    assert complete(second)
    assert paid(region) == [("C1", "15"), ("C2", "16"), ("C3", "16")]


@pytest.mark.parametrize("undone", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_night_is_not_released_while_one_of_its_claims_waits_as_well(tmp_path: Path, undone: bool) -> None:
    """S2-22: both would be the next night's, which would pay both."""
    region, _ = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2", known=False)
    before = paid(region)
    if undone:
        undo(region, RUN_DATE)
        before = []
    says = (
        f"Claim C2 line 1 of batch {again.pk - 1} has come again: it waits in batch {again.pk}."
        " Discard it, take this night back, and load it again when this night has been run."
    )
    with pytest.raises(CommandError, match=f"^{re.escape(says)}$"):
        undo(region, RUN_DATE, release=True)
    assert paid(region) == before
    discard(again)
    undo(region, RUN_DATE, release=True)
    assert complete(run_night(region))
    load(tmp_path / "2", region)
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "16"), ("C3", "16")]


@pytest.mark.slow
def test_a_night_is_not_released_while_an_undone_night_has_one_of_its_claims_as_well(tmp_path: Path) -> None:
    region, _ = rejected_once(tmp_path / "1")
    come_again(region, tmp_path / "2")
    run_night(region, run_date=NEXT)
    undo(region, NEXT)
    with pytest.raises(CommandError, match=r"has come again: it is in batch \d+\. Take the night of 2024-01-16 back"):
        undo(region, RUN_DATE, release=True)


@pytest.mark.slow
def test_a_claim_that_came_between_the_question_and_the_release_keeps_the_night_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-22: asked once more as the lines are freed, also of what came in by a way that takes no turn."""
    region, _ = rejected_once(tmp_path / "1")
    asked = start("undo_pipeline", region, run_date=RUN_DATE.isoformat(), release=True)
    with monkeypatch.context() as patch:
        patch.setattr("claims.pipeline.load.take_turn", lambda region: None)
        again = come_again(region, tmp_path / "2", known=False)
    run = finish(asked)
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert f"it waits in batch {again.pk}" in run.detail
    discard(again)
    assert complete(go_on(run), run_night(region))


def waiting_as_well(region: Region) -> StagedBatch:
    """What no load lets through: C2 in a batch that waits beside that of the night."""
    StagedBatch.objects.filter(region=region).update(run_date=None)
    Night.objects.filter(region=region).delete()
    return StagedBatch.objects.filter(region=region).latest("pk")


def test_a_night_takes_no_claim_twice(tmp_path: Path) -> None:
    """S2-22"""
    region, _ = rejected_once(tmp_path / "1")
    come_again(region, tmp_path / "2")
    undo(region, RUN_DATE)
    again = waiting_as_well(region)
    Run.objects.filter(region=region).delete()
    failed = run_night(region)
    assert failed.detail == (
        f"Claim C2 line 1 of batch {again.pk} is in batch {again.pk - 1} as well."
        f" Discard batch {again.pk} and load it without such lines: the load names them."
    )
    discard(again)
    assert complete(go_on(failed))
    assert paid(region) == [("C1", "15"), ("C2", "15")]


@pytest.mark.slow
@pytest.mark.parametrize("taken", [False, True])
def test_a_night_takes_no_claim_that_an_earlier_one_has_adjudicated(tmp_path: Path, taken: bool) -> None:
    """S2-22: as batches stand that were staged before this was looked at."""
    region, first = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2")
    if taken:
        run_night(region, run_date=NEXT)
        undo(region, NEXT)
    StagedBatch.objects.filter(pk=again.pk).update(run_date=date(2020, 1, 1))
    assert complete(go_on(first, "validate"))
    StagedBatch.objects.filter(pk=again.pk).update(run_date=NEXT if taken else None)
    failed = run_night(region, run_date=NEXT)
    back = (
        f"Take the night back (manage.py undo_pipeline --region {region.name} --run-date 2024-01-16 --release --wait)"
    )
    assert failed.detail == (
        f"Claim C2 line 1 of batch {again.pk} was adjudicated on 2024-01-15 already."
        f" {f'{back}, discard' if taken else 'Discard'} batch {again.pk} and load it without such lines: the load names"
        " them."
    )
    if taken:
        undo(region, NEXT, release=True)
    discard(again)
    load_without_what_is_named(region, tmp_path / "2")
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "15"), ("C3", "16")]


def test_a_reject_that_waits_gives_way_to_the_same_claim_corrected(tmp_path: Path) -> None:
    region, first = rejected_once(tmp_path / "1")
    reprocess(rejects().filter(run=first), UserFactory.create())
    waits = StagedBatch.objects.get(region=region, run_date=None)
    refused = f"in batch {waits.pk}, for the next night: a reject of 2024-01-15, staged again; discard that batch"
    with pytest.raises(FolderRefused, match=refused):
        come_again(region, tmp_path / "2")
    discard(waits)
    assert rejects().get(run=first).resolution == "open"
    come_again(region, tmp_path / "2")
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "16"), ("C3", "16")]


SAME_AS_C1 = {"units": "01", "billed": "500"}


def test_a_duplicate_is_not_reprocessed_while_the_claim_that_it_repeats_is_paid(tmp_path: Path) -> None:
    """S2-22: the next night has no line of the earlier claim, and would pay the duplicate."""
    region = staged(tmp_path, small_world(claim_lines=[line(), line("C2", **SAME_AS_C1), line("C3", billed="7")]))
    run = run_night(region)
    assert [(row.reference, row.reason) for row in rejects().filter(run=run)] == [("C2", "R07")]
    found = reprocess(rejects().filter(run=run), UserFactory.create())
    (why,) = found.refused
    assert "another claim with the same line is paid. Dismiss them" in why
    assert not StagedBatch.objects.filter(region=region, run_date=None).exists()


@pytest.mark.slow
def test_of_two_equal_rejects_the_second_is_not_reprocessed_once_the_first_is_paid(tmp_path: Path) -> None:
    equal = {"claim_lines": [line("C1", provider_npi="Q"), line("C2", provider_npi="Q", **SAME_AS_C1)]}
    region = staged(tmp_path / "1", small_world(**equal))
    first = run_night(region)
    staged(tmp_path / "2", KNOWN, region)
    by_claim = {row.reference: rejects().filter(pk=row.pk) for row in rejects().filter(run=first)}
    assert reprocess(by_claim["C2"], UserFactory.create()).claims == 1
    assert complete(run_night(region, run_date=NEXT))
    assert reprocess(by_claim["C1"], UserFactory.create()).claims == 0
    assert paid(region) == [("C2", "16")]


@pytest.mark.slow
def test_rejects_that_wait_although_a_later_night_has_paid_them_are_withdrawn_with_their_night(tmp_path: Path) -> None:
    """S2-22: as they were staged before this was looked at."""
    region, first = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2")
    run_night(region, run_date=NEXT)
    wait = batch_for_rejects(Night.objects.select_related("region").get(region=region, run_date=RUN_DATE))
    (copied,) = StagedLine.objects.filter(batch=again, claim_id="C2")
    copied.pk, copied.batch = None, wait
    copied.save()
    assert run_night(region, run_date=AFTER).detail == (
        f"Claim C2 line 1 of batch {wait.pk} was adjudicated on 2024-01-16 already. It has rejects of the night of"
        " 2024-01-15, staged again: restart that night from validate, which withdraws it."
    )
    undo(region, AFTER, release=True)
    undo(region, NEXT, release=True)
    discard(again)
    assert complete(go_on(first, "validate"))
    assert not StagedBatch.objects.filter(pk=wait.pk).exists()
    load_without_what_is_named(region, tmp_path / "2")
    assert complete(run_night(region, run_date=NEXT))
    assert paid(region) == [("C1", "15"), ("C2", "15"), ("C3", "16")]


@pytest.mark.slow
def test_a_night_that_is_left_without_lines_is_taken_back(tmp_path: Path) -> None:
    """S2-12: it would bar every later one until somebody loads claims for it."""
    region, first = rejected_once(tmp_path / "1")
    again = come_again(region, tmp_path / "2")
    StagedBatch.objects.filter(pk=again.pk).update(run_date=date(2020, 1, 1))
    go_on(first, "validate")
    StagedBatch.objects.filter(pk=again.pk).update(run_date=None)
    run_night(region, run_date=NEXT)
    discard(again)
    undo(region, NEXT, release=True)
    staged(tmp_path / "3", {"claim_lines": [line("C4")]}, region)
    assert complete(run_night(region, run_date=AFTER))


def test_a_folder_that_is_named_as_rejects_are_keeps_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-22: the night deleted it as it decided anew, and nobody was told."""
    region, first = rejected_once(tmp_path / "1")
    monkeypatch.chdir(tmp_path)
    folder = write_folder(Path("rejects of the night of 2024-01-15"), {"claim_lines": [line("C9")]})
    load(folder, region)
    assert complete(go_on(first, "validate"))
    kept = StagedBatch.objects.get(region=region, run_date=None)
    assert (kept.source, kept.lines, kept.rejects_of) == (str(folder), 1, None)
    discard(kept)


def test_batches_of_rejects_that_said_so_in_words_say_it_in_their_column(tmp_path: Path) -> None:
    region, _ = rejected_once(tmp_path)
    words = ("rejects of the night of 2024-01-15", "rejects of the night of 2024-01-14", "a folder")
    batches = [StagedBatch.objects.create(region=region, source=source) for source in words]
    import_module("claims.migrations.0003_rejects_of").from_words(apps, connection.schema_editor())
    found = [StagedBatch.objects.get(pk=batch.pk).rejects_of for batch in batches]
    assert found == [RUN_DATE, None, None]
