"""Recovered services, 837P, SFTP, staging, the night, 835, SFTP, posted: equal to the cent at each hand-over."""

from pathlib import Path
from random import Random

import pytest

from backoffice.runs.control import undo_run
from backoffice.runs.models import Run, RunStatus
from billing.models import Answer, Batch, Payment
from claims.models import ContractTerms
from tests.billing.loop import Loop, lines_paid, listed_and_processed, states_of
from tests.billing.sending import Office, submit, total

pytestmark = pytest.mark.django_db(transaction=True)
PAID = {"paid", "partly paid", "denied", "patient share"}


@pytest.fixture
def loop(office: Office, tmp_path: Path) -> Loop:
    return Loop(office=office, folder=tmp_path)


def assert_closed(loop: Loop, paid: object) -> None:
    """Everything that was sent is answered, once, and the sums are those of the night."""
    assert (loop.posted(), lines_paid(loop.region)) == (paid, paid)
    assert set(states_of(loop.region)) <= PAID
    assert set(Payment.objects.values_list("state", flat=True)) <= {Payment.State.POSTED, Payment.State.REPEATED}
    assert not Answer.objects.exists()


def test_a_recovered_service_is_claimed_sent_paid_and_posted_to_the_cent(loop: Loop) -> None:
    """S3-10, S3-11, S3-13, X-18"""
    worth, claimed = loop.recovered(150), loop.claimed()
    assert worth >= claimed > 0
    assert submit(loop.region).status == RunStatus.COMPLETE
    assert total(list(Batch.objects.all())) == claimed
    loop.office.server.desk.sweep()
    loop.office.server.desk.sweep()
    assert [run.status for run in listed_and_processed(loop.region)] == [RunStatus.COMPLETE] * 2
    assert set(states_of(loop.region)) == {"accepted by payer"}
    loop.staged()
    paid = loop.adjudicated()
    assert 0 < paid < claimed
    for name, content in loop.remittances().items():
        loop.put(name, content)
    listed_and_processed(loop.region)
    assert_closed(loop, paid)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_files_that_come_twice_and_out_of_order_over_a_line_that_drops_come_to_the_same(loop: Loop, seed: int) -> None:
    """X-18: faults of the clearinghouse at each point, then every file once more in another order."""
    random, faults = Random(seed), loop.office.server.faults
    loop.recovered(150)
    loop.claimed()
    faults.next("drop_upload", 2)
    submit(loop.region)
    loop.office.server.desk.sweep()
    faults.next("twice", 2)
    faults.next("out_of_order", 2)
    loop.office.server.desk.sweep()
    loop.staged()
    paid = loop.adjudicated()
    files = list(loop.remittances().items())
    random.shuffle(files)
    for name, content in files:
        loop.put(name, content)
        loop.put(f"again-{name}", content)
        if random.random() < 0.3:
            faults.next(random.choice(("drop_listing", "drop_download")), 1)
            listed_and_processed(loop.region)
    listed_and_processed(loop.region)
    assert_closed(loop, paid)


@pytest.mark.slow
def test_a_night_that_is_undone_after_its_835s_were_posted_is_posted_anew_to_the_cent(loop: Loop) -> None:
    """The next 835s take back what the first ones paid, and the claims stand where the second night leaves them."""
    loop.recovered(60)
    loop.claimed()
    submit(loop.region)
    loop.office.server.desk.sweep()
    loop.office.server.desk.sweep()
    loop.staged()
    first = loop.adjudicated()
    for name, content in loop.remittances().items():
        loop.put(name, content)
    listed_and_processed(loop.region)
    assert_closed(loop, first)
    undo_run(Run.objects.filter(job="run_pipeline").latest("pk"))
    ContractTerms.objects.update(percent_of_charge=40, multiplier_percent=90)
    second = loop.adjudicated()
    assert second < first
    for name, content in loop.remittances("again").items():
        loop.put(name, content)
    listed_and_processed(loop.region)
    assert_closed(loop, second)
