"""Submitters that are killed or run beside each other: nothing is sent twice, and no number is used twice."""

import signal
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from backoffice.runs.control import abandon_stale_runs
from backoffice.runs.models import Run
from backoffice.sandbox.clearinghouse import ClearinghouseServer
from billing.models import Batch, Claim, Document, DocumentPart
from claims.edi.status import State
from claims.models import ControlNumber
from tests.billing.answered import send
from tests.billing.sending import Office, content_of, office_of, some_claims, submit, validated
from tests.processes import Processes, until

pytestmark = pytest.mark.django_db(transaction=True)
QUICK_DEATH = {"RUN_HEARTBEAT_SECONDS": "0.2", "RUN_STALE_SECONDS": "1"}


def submission_killed_while(office: Office, processes: Processes, fault: str) -> None:
    """The server falls silent in the middle of it, and the process is gone."""
    office.server.faults.slow_seconds = 20
    office.server.faults.next(fault, 1)
    running = processes.manage("submit_claims", "--region", office.region.name, "--wait", **QUICK_DEATH)
    until(lambda: bool(office.server.faults.fired.get(fault)) or running.process.poll() is not None, within=60)
    running.signal(signal.SIGKILL)
    assert running.ends(within=60) == -signal.SIGKILL, running.output
    until(lambda: abandon_stale_runs() or not Run.objects.filter(status__in=("queued", "running")).exists())


@pytest.mark.slow
def test_a_file_in_the_middle_of_which_the_worker_died_waits_for_a_person(
    office: Office, processes: Processes, settings: Settings
) -> None:
    """X-18"""
    settings.RUN_STALE_SECONDS = 1.0
    validated(office.region, some_claims(30, 0))
    submission_killed_while(office, processes, "stall_upload")
    assert Batch.objects.get().state == Batch.State.UPLOADING
    again = processes.manage("submit_claims", "--region", office.region.name, "--wait", "--json")
    assert again.ends(within=60) == 0, again.output
    batch = Batch.objects.get()
    assert (batch.state, "died" in batch.detail) == (Batch.State.UNCONFIRMED, True)
    assert set(Claim.objects.values_list("state", flat=True)) == {State.BATCHED}


def test_a_file_that_lies_there_whole_after_the_worker_died_is_uploaded(office: Office) -> None:
    """X-18: killed after the last byte and before it was written down."""
    validated(office.region, some_claims(30, 0))
    office.server.faults.next("drop_upload", 3)
    submit(office.region)
    batch = Batch.objects.get()
    (office.server.desk.inbound / batch.document.name).write_bytes(content_of(batch.document))
    Batch.objects.update(state=Batch.State.UPLOADING)
    submit(office.region)
    batch.refresh_from_db()
    assert (batch.state, len(office.taken)) == (Batch.State.UPLOADED, 1)
    assert set(Claim.objects.values_list("state", flat=True)) == {State.UPLOADED}


def test_what_lies_there_under_the_name_of_a_file_that_was_never_begun_stays(office: Office) -> None:
    """Another region's file of the same second was removed as a piece of ours: its claims reached no payer."""
    batch = send(office.region, ["A1"], state=Batch.State.BATCHED)
    DocumentPart(document=batch.document, number=0, content="longer than the other").save()
    there = office.server.desk.inbound / batch.document.name
    there.write_bytes(b"another")
    for _ in "12":
        submit(office.region)
        batch.refresh_from_db()
        assert (batch.state, batch.begun_at, there.read_bytes()) == (Batch.State.BATCHED, None, b"another")
    assert "left alone" in batch.detail


@pytest.mark.slow
def test_eight_submitters_at_once_send_nothing_twice_and_use_no_number_twice(
    clearinghouse: ClearinghouseServer, processes: Processes, tmp_path: Path
) -> None:
    """X-18: four regions send under one name, each from two processes at once."""
    offices = [office_of(clearinghouse, name=f"region-{number}") for number in range(4)]
    for number, office in enumerate(offices):
        validated(office.region, some_claims(20, 10, seed=number))
    if connection.vendor == "sqlite":
        connection.close()
    running = [processes.manage("submit_claims", "--region", office.region.name, "--wait") for office in offices * 2]
    statuses = [each.ends(within=300) for each in running]
    assert set(statuses) <= {0, 75}, [each.output for each in running]
    assert statuses.count(0) >= 4
    numbers = list(Batch.objects.order_by("control").values_list("control", flat=True))
    assert numbers == list(range(1, 9))
    assert ControlNumber.objects.get().last == 8
    sent = {document.name: content_of(document) for document in Document.objects.all()}
    assert {file.name: file.read_bytes() for file in clearinghouse.desk.inbound.iterdir()} == sent
    assert set(Claim.objects.values_list("state", flat=True)) == {State.UPLOADED}
    assert Claim.objects.filter(batch_set=None).count() == 0
