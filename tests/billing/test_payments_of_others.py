"""A payment that names no claim of ours counts nowhere: it waits for its claims, or for a person."""

import pytest

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from backoffice.runs.report import run_report
from billing.admin.waiting import waiting_of
from billing.alerts import unmatched
from billing.linking import link
from billing.models import Answer, Claim, Payment
from billing.settling import settle_payment
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import HOUSE, arrive, paid, payment, process, send, states
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
OURS = {"A1": State.PAID}


def state_of(region: Region) -> str:
    return str(Payment.objects.get(region=region).state)


def test_of_two_regions_of_one_mailbox_the_one_whose_claim_it_is_counts_its_dollars(
    region: Region, queue: object
) -> None:
    south = RegionFactory.create(name="south", display_name="South", clearinghouse=HOUSE)
    send(region, ["A1"])
    found = {}
    for each in (south, region):
        arrive(each, payment("T1", paid("A1"), total=130))
        found[each.name] = run_report(process(each))
    assert (state_of(region), state_of(south), states(region)) == ("posted", "unmatched", OURS)
    assert found["north"]["money"] == {"paid": "130"}
    assert found["south"]["money"] == {"unmatched_paid": "130"}
    assert found["south"]["outcomes"] == {"unmatched": 1}
    assert ("No claim is ours", 1, None) in [(each.title, each.number, each.dollars) for each in waiting_of([south])]
    check_alerts()
    (alert,) = Alert.objects.standing()
    assert alert.message == "South: 1 payment names no claim of this region; nothing is posted."


def test_it_is_posted_when_its_claim_is_there_later_or_a_person_links_one(region: Region) -> None:
    arrive(region, payment("T1", paid("A1"), paid("A2"), total=260))
    process(region)
    assert state_of(region) == "unmatched"
    send(region, ["A1", "B1"])
    process(region)
    row = Payment.objects.get()
    assert (row.state, row.unmatched, states(region)["A1"]) == ("posted", 1, State.PAID)
    Payment.objects.update(state="unmatched")
    link(Answer.objects.get(claim=None), Claim.objects.get(control="B1"), UserFactory.create(), "They told us.")
    assert state_of(region) == "posted"


def test_a_person_settles_it_and_all_its_answers_and_it_does_not_come_back(region: Region) -> None:
    arrive(region, payment("T1", paid("Q1"), paid("Q2"), total=260))
    arrive(region, payment("T2", paid("Q3"), total=130))
    process(region)
    other, *_ = Payment.objects.filter(trace="T1")
    settle_payment(other, UserFactory.create(), "Of another clinic.")
    assert (other.state, other.unmatched) == ("settled", 0)
    assert list(Answer.objects.filter(resolved_at=None).values_list("reference", flat=True)) == ["Q3"]
    arrive(region, payment("T1", paid("Q1"), paid("Q2"), total=260, number=906))
    assert run_report(process(region))["outcomes"] == {"repeated": 1}
    send(region, ["Q1"])
    process(region)
    assert states(region) == {"Q1": State.UPLOADED}


def test_a_payment_that_is_addressed_to_nobody_we_know_waits_for_a_person(region: Region) -> None:
    """Money of a claim whose number the payer had changed, in a set to the provider's id, was passed over: no payment,
    no answer, no alert."""
    region.clearinghouse = {"sender": "SOMEBODY"}
    region.save()
    arrive(region, payment("T1", paid("A1X"), total=130))
    run = process(region)
    assert run_report(run)["outcomes"] == {"unmatched": 1}
    row = Payment.objects.get()
    assert (row.state, row.trace, row.total) == ("unmatched", "T1", 130)
    assert [wrong.region for wrong in unmatched()] == [region]
    settle_payment(row, UserFactory.create(), "Not ours.")
    assert (row.state, list(unmatched())) == ("settled", [])


def test_a_payment_to_another_region_of_the_mailbox_is_left_to_that_one(region: Region) -> None:
    RegionFactory.create(name="south", clearinghouse={**region.clearinghouse, "group_sender": "NIGHTWARD"})
    region.clearinghouse = {"sender": "SOMEBODY"}
    region.save()
    arrive(region, payment("T1", paid("A1X"), total=130))
    assert run_report(process(region))["outcomes"] == {"not_ours": 1}


def test_the_same_payment_in_another_file_is_a_repetition(region: Region) -> None:
    for number in (905, 906):
        arrive(region, payment("T1", paid("Q1"), total=130, number=number))
    assert run_report(process(region))["outcomes"] == {"unmatched": 1, "repeated": 1}
    assert Answer.objects.count() == 1
