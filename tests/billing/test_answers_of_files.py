"""Every file is kept and told of, whatever is in it. edi.md 3 and 6.6; S3-10, S3-11."""

import pytest
from django.db.models.signals import post_save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.runs.models import Run, RunStatus
from backoffice.runs.report import run_report
from billing.models import Batch, ClaimEvent, Document, Payment
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import (
    HOUSE,
    arrive,
    paid,
    payment,
    process,
    remittance,
    send,
    states,
    syntax,
)
from tests.edi.test_no_bytes_raise import PIECES
from tests.edi.test_public_samples import FILES
from tests.edi.written import ALL_KINDS, file_of
from tests.edi.written import st as set_between
from tests.factories import RegionFactory
from tests.running import finish, go_on, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
@pytest.mark.acceptance
def test_every_public_sample_is_stored_and_read_without_an_exception(region: Region) -> None:
    """As files of a region that has not said who it is, so that none is passed over as another's."""
    region.clearinghouse = {}
    region.save()
    for path in FILES:
        arrive(region, path.read_bytes(), path.name)
    run = process(region)
    assert run.status == RunStatus.COMPLETE, run.detail
    documents = Document.objects.filter(direction="received")
    assert not documents.filter(state=Document.State.NEW).exists()
    report = run_report(run)
    assert report["read"] == sum(report["outcomes"].values())
    assert documents.filter(kind="835").count() > 10, report
    assert report["outcomes"].keys() >= {"parked", "repeated", "unmatched", "only_kept"}
    assert Payment.objects.filter(state=Payment.State.UNMATCHED).exists()  # none of their claims is ours


@given(
    st.sampled_from(sorted(ALL_KINDS)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PIECES), min_size=1, max_size=6),
)
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_no_damage_to_a_file_ends_a_run(
    transactional_db: None, kind: str, damages: list[tuple[float, int, bytes]]
) -> None:
    region: Region = RegionFactory.create(clearinghouse=HOUSE)
    data = ALL_KINDS[kind]
    for where, length, piece in damages:
        start = int(where * len(data))
        data = data[:start] + piece + data[start + length :]
    arrive(region, data)
    run = process(region)
    assert run.status == RunStatus.COMPLETE, run.detail
    assert Document.objects.get(region=region).state != Document.State.NEW


@pytest.mark.parametrize(
    ("content", "state", "outcome"),
    [
        (b"\x00\x01\x02\xff\xfe", "unreadable", "unreadable"),
        (b"  \r\n", "unreadable", "unreadable"),
        (b"Dear customer, we are closed on Monday.\r\n", "read", "only_kept"),
        (syntax("A")[:160], "unreadable", "unreadable"),
        (file_of("999", ["ST*834*0001", "BGN*00", "SE*3*0001"]), "partly", "only_kept"),
    ],
)
def test_a_file_that_says_nothing_is_kept_and_called_by_its_name(
    region: Region, content: bytes, state: str, outcome: str
) -> None:
    arrive(region, content)
    run = process(region)
    assert run_report(run)["outcomes"] == {outcome: 1}
    assert Document.objects.get().state == state


def test_a_file_of_several_kinds_is_read_set_by_set(region: Region) -> None:
    send(region, ["A1"])
    arrive(region, syntax("A") + payment("T1", paid("A1"), total=130) + syntax("A", number=99))
    run = process(region)
    assert run_report(run)["outcomes"] == {"applied": 2, "unmatched": 1}
    assert [envelope[2] for envelope in Document.objects.get(direction="received").envelopes] == ["999", "835", "999"]


def summary(name: str, *rows: tuple[str, str, str]) -> bytes:
    """(outcome, CLM01, errors) of each claim."""
    lines = ["CLAIM FILE SUMMARY", f"File Name: {name}"]
    for number, (said, account, errors) in enumerate(rows, start=1):
        lines += [f"-------{said} CLAIM DETAIL-------"]
        line = f"{number:>5}) 10000{number:05} PATIENT"
        lines.append(line.ljust(121) + account.ljust(13) + " " * 12 + "60054 ".ljust(7) + errors)
    return "\r\n".join([*lines, "+---> 1 # errors E1 - The member id is not valid", ""]).encode()


def test_a_file_summary_is_told_to_its_claims_and_moves_none(region: Region) -> None:
    """It shows that the file arrived."""
    batch = send(region, ["A1", "A2"], state=Batch.State.UNCONFIRMED)
    arrive(region, summary(batch.document.name, ("ACCEPTED", "A1", ""), ("ERROR", "A2", "E1"), ("ERROR", "Q1", "E1")))
    run = process(region)
    assert run_report(run)["totals"] == {"claims": 2, "unmatched_answers": 1}
    assert set(states(region).values()) == {State.UPLOADED}
    event = ClaimEvent.objects.get(claim__control="A2", state="")
    assert (event.code, event.says) == ("error", "The member id is not valid")
    batch.refresh_from_db()
    assert batch.state == Batch.State.UPLOADED


def test_a_status_report_shows_where_our_claims_are_named(region: Region) -> None:
    send(region, ["A00001", "A00002"])
    arrive(region, b"EDI STATUS\r\nA00001 SOMETHING\r\nA99999 ELSE\r\n", "1_EDI_STATUS_20260105.txt")
    process(region)
    event = ClaimEvent.objects.exclude(state=State.UPLOADED).get()
    assert (event.claim.control, event.says, event.state) == ("A00001", "Named on line 2 of the report.", "")


def test_a_run_that_was_stopped_goes_on_in_the_middle_of_a_file(region: Region) -> None:
    send(region, ["A1", "A2", "A3"])
    sets = [set_between("835", *remittance(f"T{at}", paid(f"A{at}"), total=130), number=at) for at in (1, 2, 3)]
    document = arrive(region, file_of("835", *sets)).document
    run = start("process_claim_files", region)

    def stop(**_: object) -> None:
        Run.objects.filter(status=RunStatus.RUNNING, attempt=1).update(status=RunStatus.STOPPING)

    post_save.connect(stop, sender=Payment)
    try:
        assert finish(run).status == RunStatus.STOPPED
    finally:
        post_save.disconnect(stop, sender=Payment)
    assert Payment.objects.count() == 1
    again = go_on(run)
    assert run_report(again)["outcomes"] == {"applied": 3}
    document.refresh_from_db()
    assert document.said == {"applied": 3, "claims": 3, "unmatched_answers": 0}
    assert len(document.envelopes) == 3
    assert set(states(region).values()) == {State.PAID}
