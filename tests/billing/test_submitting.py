"""Validated claims become files, and files arrive once; what cannot be told is not guessed."""

from io import BytesIO

import pytest
from django.contrib.auth.models import User

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Failure, Run, RunStatus
from backoffice.runs.report import run_report
from billing.content import stored
from billing.models import Batch, BatchSet, Claim, Document
from billing.submitting.deciding import arrived, give_up, send_again
from claims.edi.answers import read
from claims.edi.findings import Findings
from claims.edi.status import State
from tests.billing.sending import Office, content_of, some_claims, submit, total, validated
from tests.factories import UserFactory
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)


def states(office: Office) -> set[str]:
    return set(Claim.objects.filter(region=office.region).values_list("state", flat=True))


def counted(run: Run) -> dict[str, int]:
    return {word: count for word, count in run_report(run)["outcomes"].items() if count}


def test_each_kind_goes_into_a_file_of_its_own_and_arrives_whole(office: Office) -> None:
    """S3-13, X-18"""
    claims = validated(office.region, some_claims(7, 5))
    run = submit(office.region)
    batches = list(Batch.objects.order_by("pk"))
    assert (run.status, counted(run)) == (RunStatus.COMPLETE, {"uploaded": 12})
    assert [(batch.kind, batch.claims, batch.state, batch.control) for batch in batches] == [
        ("MED", 7, "uploaded", 1),
        ("NONMED", 5, "uploaded", 2),
    ]
    assert total(batches) == sum(claim.charge for claim in claims)
    assert office.taken == {batch.document.name: content_of(batch.document) for batch in batches}
    assert [batch.document.name.split("_")[:3] for batch in batches] == [
        ["OATEST", "837P", "MED"],
        ["OATEST", "837P", "NONMED"],
    ]
    assert states(office) == {State.UPLOADED}


def test_what_arrives_says_what_the_claims_say(office: Office) -> None:
    rows = {claim.control: claim for claim in validated(office.region, some_claims(40, 0))}
    submit(office.region)
    findings = Findings()
    (content,) = office.taken.values()
    told = [claim for _, said in read(BytesIO(content), findings) for claim in said]
    assert not findings.found
    assert {(claim.account, claim.charge) for claim in told} == {(key, row.charge) for key, row in rows.items()}  # type: ignore[union-attr]
    (one,) = BatchSet.objects.all()
    assert one.reference in content.decode()
    assert (one.claims, set(one.contents.values_list("control", flat=True))) == (40, set(rows))


def test_a_second_submission_finds_nothing_to_send(office: Office) -> None:
    validated(office.region, some_claims(3, 0))
    submit(office.region)
    run = submit(office.region)
    assert (run.status, counted(run), len(office.taken), Batch.objects.count()) == (RunStatus.COMPLETE, {}, 1, 1)


def test_a_claim_that_cannot_be_written_is_put_aside_and_the_others_go(office: Office) -> None:
    """What the rules let pass the writer may refuse, such as a claim that is of the other kind than its row says."""
    *_, last = rows = validated(office.region, some_claims(4, 0))
    last.content = stored(some_claims(0, 1)[0]) | {"control": last.control}
    last.save(update_fields=("content",))
    run = submit(office.region)
    assert run.status == RunStatus.COMPLETE, run.detail
    last.refresh_from_db()
    (code, says), *_ = last.refused
    assert counted(run) == {"unwritable": 1, "uploaded": 3}
    assert (last.state, last.batch_set, code) == (State.VALIDATED, None, "writer")
    assert "A claim is not MED" in says
    assert Failure.objects.get().money_at_stake == last.charge
    assert len(rows) == 4


@pytest.mark.slow
def test_a_file_that_certainly_did_not_arrive_is_sent_by_the_next_submission_with_the_same_bytes(
    office: Office, short_pauses: None
) -> None:
    """X-18"""
    validated(office.region, some_claims(30, 0))
    office.server.faults.next("drop_upload", 3)
    run = submit(office.region)
    batch = Batch.objects.get()
    assert (counted(run), batch.state, states(office)) == (
        {"not_sent": 30},
        Batch.State.BATCHED,
        {State.BATCHED},
    )
    assert "next submission" in batch.detail
    submit(office.region)
    batch.refresh_from_db()
    assert (batch.state, Batch.objects.count(), states(office)) == (Batch.State.UPLOADED, 1, {State.UPLOADED})
    assert office.taken == {batch.document.name: content_of(batch.document)}


def test_a_full_disk_is_said_and_nothing_is_lost(office: Office, short_pauses: None) -> None:
    validated(office.region, some_claims(30, 0))
    office.server.faults.next("full_disk", 3)
    submit(office.region)
    batch = Batch.objects.get()
    assert (batch.state, "disk may be full" in batch.detail) == (Batch.State.BATCHED, True)
    assert states(office) == {State.BATCHED}
    submit(office.region)
    assert states(office) == {State.UPLOADED}


def test_a_file_that_was_taken_at_once_is_unconfirmed_and_not_sent_again(office: Office, short_pauses: None) -> None:
    """X-18"""
    validated(office.region, some_claims(30, 0))
    office.server.faults.next("picked_up", 1)
    run = submit(office.region)
    batch = Batch.objects.get()
    assert (run.status, counted(run)["unconfirmed"], batch.state) == (RunStatus.COMPLETE, 30, "unconfirmed")
    assert states(office) == {State.BATCHED}
    submit(office.region)
    assert len(office.server.desk.taken) == 1
    assert list(office.server.desk.inbound.iterdir()) == []


def test_a_wrong_password_is_tried_once_and_marks_nothing(office: Office) -> None:
    office.region.env_vars = {"SFTP_PASSWORD": "mistyped"}
    office.region.save()
    validated(office.region, some_claims(3, 3))
    run = submit(office.region)
    assert (run.status, run.reason) == (RunStatus.FAILED, "configuration")
    assert sum(office.server.logins.values()) == 1
    assert set(Batch.objects.values_list("state", flat=True)) == {Batch.State.BATCHED}
    office.region.env_vars = {"SFTP_PASSWORD": office.server.account.password}
    office.region.save()
    assert go_on(run).status == RunStatus.COMPLETE
    assert states(office) == {State.UPLOADED}


def test_a_region_without_a_clearinghouse_is_told_what_it_lacks(office: Office) -> None:
    office.region.clearinghouse = {}
    office.region.save()
    run = submit(office.region)
    assert run.status == RunStatus.FAILED
    assert "clearinghouse.known_hosts" in run.detail


@pytest.fixture
def unconfirmed(office: Office, short_pauses: None) -> Batch:
    validated(office.region, some_claims(30, 0))
    office.server.faults.next("picked_up", 1)
    submit(office.region)
    return Batch.objects.get()


@pytest.fixture
def person() -> User:
    return UserFactory.create(role="operator")


def test_a_person_who_has_seen_it_there_says_so(office: Office, unconfirmed: Batch, person: User) -> None:
    arrived(unconfirmed, person)
    assert states(office) == {State.UPLOADED}
    with pytest.raises(Misuse, match="Uploaded: nothing is to be decided"):
        send_again(unconfirmed, person)


def test_a_person_who_knows_that_it_is_not_there_has_the_same_bytes_sent_again(
    office: Office, unconfirmed: Batch, person: User
) -> None:
    send_again(unconfirmed, person)
    submit(office.region)
    assert states(office) == {State.UPLOADED}
    assert office.taken[unconfirmed.document.name] == content_of(unconfirmed.document)
    assert Document.objects.count() == 1


def test_a_batch_that_is_given_up_leaves_claims_of_a_failed_file(
    office: Office, unconfirmed: Batch, person: User
) -> None:
    give_up(unconfirmed, person)
    assert states(office) == {State.FILE_FAILED}
    submit(office.region)
    assert len(office.server.desk.taken) == 1
