"""What was only sent in test files is no claim to a payer: it is sent once the region sends for payers. 0063."""

import pytest

from backoffice.runs.report import run_report
from billing.events import record
from billing.models import Batch, Claim, ClaimEvent
from billing.submitting.tested import take_out
from billing.thread import thread_of
from claims.edi.status import State
from tests.billing.answered import HOUSE, arrive, paid, payment, process, send, states, status
from tests.billing.sending import Office, some_claims, submit, validated
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)


def of_test(content: bytes) -> bytes:
    return content.replace(b"*0*P*:", b"*0*T*:")


def test_claims_of_test_files_are_sent_to_their_payers_once_test_is_off(office: Office) -> None:
    """They stood as uploaded for ever: submit_claims found nothing to send, and no payer ever had them."""
    validated(office.region, some_claims(2, 0))
    submit(office.region)
    office.region.clearinghouse = {**office.region.clearinghouse, "test": False}
    office.region.save()
    run = submit(office.region)
    production, test = Batch.objects.order_by("-id")
    assert (test.usage, production.usage, production.claims, production.state) == ("T", "P", 2, "uploaded")
    assert run_report(run)["totals"]["from_test"] == 2
    claim = Claim.objects.earliest("id")
    assert (claim.state, claim.batch_set.batch if claim.batch_set else None) == (State.UPLOADED, production)
    told = [entry.batch for entry in thread_of(claim).entries if entry.kind == "batch"]
    assert sorted(told) == [test.pk, production.pk]  # type: ignore[type-var]


def test_what_is_said_of_a_test_file_moves_no_claim_that_was_taken_out_of_it() -> None:
    """Paid in a test is not paid: $130 would have counted, and a late rejection of the test failed the real claim."""
    region = RegionFactory.create(name="south", clearinghouse=HOUSE)  # whose batches are test files
    send(region, ["A1"])
    claim = Claim.objects.get()
    record([ClaimEvent(claim=claim, key="validated", state=State.VALIDATED)])
    said = [("A1", "A2:20:PR")]
    arrive(region, of_test(status("B905-1", said, source="PR")))
    arrive(region, of_test(payment("T1", paid("A1"), total=130)))
    process(region)
    claim.refresh_from_db()
    assert (claim.state, claim.paid) == (State.PAID, 130)
    take_out([claim.pk])
    arrive(region, of_test(status("B905-1", [("A1", "A7:562:85")])))
    process(region)
    claim.refresh_from_db()
    assert (claim.state, claim.paid, claim.payer_claim, claim.batch_set) == (State.VALIDATED, 0, "", None)
    assert list(claim.lines.values_list("paid", flat=True)) == [0, 0]
    arrive(region, status("P0000009060001", said, source="PR"))
    process(region)
    assert states(region) == {"A1": State.ACCEPTED_BY_PAYER}
