"""A claim's thread, from the visit to the dollars, in the order of time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice.runs.models import Run
from billing.admin.claim import page_of
from billing.admin.listed import FILTERS
from billing.linking import link
from billing.models import Answer, Claim, Document, Payment
from billing.thread import thread_of
from claims.edi.status import State
from clinic.models import ServiceWrite
from regions.models import Region
from tests.billing.answered import arrive, denied, paid, payment, process, reversed_, send, status, syntax
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
VISIT = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)
FORWARD = (b"SE*14", b"PLB*1*20261231*FB:T2*-130~\nSE*15")  # what a reversal leaves below zero


@pytest.fixture
def claim(region: Region) -> Claim:
    """Of a recovered service, sent, denied, and sent once more as a replacement, which was paid."""
    run = Run.objects.create(job="recover_services", key="north", region=region, parameters={})
    write = ServiceWrite.objects.create(
        region=region, run=run, appointment_id="V1", start=VISIT, idempotency_key="k", state="written", services=[],
        outcome="recovered", value=200, session_id="S1", created_at=VISIT + timedelta(days=1),
    )  # fmt: skip
    send(region, ["A1"], number=1)
    Claim.objects.filter(control="A1").update(
        write=write, appointment_id="V1", created_at=timezone.now() - timedelta(hours=2)
    )
    for content in (syntax("A", number=1), status("B1-1", [("A1", "A2:20:PR")]), payment("T1", denied("A1"), total=0)):
        arrive(region, content)
    process(region)
    send(region, ["A2"], number=2)
    second = Claim.objects.get(control="A2")
    second.replaces, second.frequency, second.appointment_id = Claim.objects.get(control="A1"), "7", "V1"
    second.save()
    arrive(region, payment("T2", paid("A2"), total=130, day="20260301"))
    process(region)
    return Claim.objects.get(control="A1")


def test_the_thread_leads_from_the_visit_to_the_last_dollar_whichever_version_is_asked_for(claim: Claim) -> None:
    thread = thread_of(claim)
    assert thread == thread_of(Claim.objects.get(control="A2"))
    assert (thread.appointment, thread.visit) == ("V1", VISIT)
    assert [(one.control, one.frequency, one.state, one.paid) for one in thread.versions] == [
        ("A1", "1", "denied", 0), ("A2", "7", "paid", 130),
    ]  # fmt: skip
    assert (thread.charge, thread.paid, thread.share) == (200, 130, 20)
    assert [entry.kind for entry in thread.entries] == [
        "visit", "service", "claim", "batch", "ours", "acknowledgement", "status", "remittance",
        "claim", "batch", "ours", "remittance",
    ]  # fmt: skip
    last = thread.entries[-1]
    assert (last.kind, last.paid, last.share, last.code) == ("remittance", Decimal(130), Decimal(20), "1")
    assert last.payment is not None
    assert last.document == Document.objects.filter(kind="835").latest("id").pk
    assert last.detail["lines"][0]["control"] == "L1"


def test_answers_that_were_fetched_together_stand_in_the_order_of_the_process(region: Region) -> None:
    """Paid stood before Accepted by payer, as the files were called: the page told that $130 had been taken back."""
    send(region, ["A1"])
    arrive(region, payment("T2", reversed_("A1"), total=0, day="20991231", number=906).replace(*FORWARD))
    arrive(region, payment("T1", paid("A1"), total=130))
    arrive(region, status("B905-1", [("A1", "A2:20:PR")], source="PR"))
    arrive(region, syntax("A"))
    process(region)
    told = thread_of(Claim.objects.get()).entries
    assert [(entry.state, entry.day) for entry in told if entry.kind not in ("claim", "batch", "ours")] == [
        (State.RECEIVED, "2026-01-05"), (State.ACCEPTED_BY_PAYER, "2026-01-05"), (State.PAID, "2026-01-05"),
        (State.REVERSED, "2099-12-31"),
    ]  # fmt: skip


def test_a_claim_that_was_paid_more_than_was_billed_is_flagged_and_found(region: Region) -> None:
    """$260 for $200, by two payments: nothing said so."""
    send(region, ["A1", "A2"])
    arrive(region, payment("T1", paid("A1"), paid("A2"), total=260))
    arrive(region, payment("T2", paid("A1"), total=130, number=906))
    process(region)
    over, usual = Claim.objects.order_by("control")
    assert (page_of(over)["overpaid"], page_of(usual)["overpaid"]) == (True, False)
    (listed,) = (each for each in FILTERS if each.name == "paid")
    assert list(listed.apply(Claim.objects.all(), "over")) == [over]


def test_the_thread_takes_few_queries(claim: Claim, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        thread_of(claim)


def test_a_payment_is_named_by_its_place_in_a_file_in_which_two_sets_have_one_number(region: Region) -> None:
    """Its own payment, also where a person has linked the answer."""
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130) + payment("T2", denied("A-1"), total=0, day="20260301"))
    process(region)
    claim = Claim.objects.get()
    link(Answer.objects.get(), claim, UserFactory.create(), "They print a dash.")
    first, second = (entry.payment for entry in thread_of(claim).entries if entry.kind == "remittance")
    assert {row.trace: row.pk for row in Payment.objects.all()} == {"T1": first, "T2": second}
