"""A file summary, and a payment in a ZIP, on their way through a real mailbox. edi.md 3; S3-10, S3-11."""

import pytest

from billing.models import Claim, ClaimEvent, Document, Payment
from claims.edi.classify import Kind
from tests.billing.loop import listed_and_processed
from tests.billing.sending import Office, some_claims, submit, validated

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_claim_is_told_of_by_the_summary_and_paid_out_of_the_zip(office: Office) -> None:
    desk = office.server.desk
    desk.pay = desk.zip = desk.summary = True
    (row,) = validated(office.region, some_claims(1, 0))
    submit(office.region)
    desk.sweep()
    desk.sweep()
    listed_and_processed(office.region)
    received = Document.objects.filter(direction=Document.Direction.RECEIVED)
    assert set(received.values_list("state", flat=True)) == {Document.State.READ}
    assert set(received.values_list("kind", flat=True)) >= {Kind.FILE_SUMMARY, Kind.ZIP, Kind.PAYMENT}
    assert ClaimEvent.objects.filter(claim=row, code="accepted", state="").exists()
    payment = Payment.objects.get()
    assert (payment.state, payment.total) == (Payment.State.POSTED, Claim.objects.get().paid)
