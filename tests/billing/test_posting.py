"""A payment is posted once, whole and balanced, or parked with what is wrong with it. edi.md 6.5 and 6.6."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.runs.faults import Misuse
from backoffice.runs.report import run_report
from billing.models import Answer, Claim, Document, Payment
from billing.reading import payments
from billing.settling import settle_payment
from billing.unbalanced import unbalanced_of
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import (
    HOUSE,
    arrive,
    denied,
    everything,
    paid,
    payment,
    process,
    remittance,
    send,
    states,
)
from tests.edi.written import file_of, st
from tests.factories import RegionFactory, UserFactory
from tests.running import finish, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_payment_that_does_not_balance_posts_nothing_and_shows_the_difference(region: Region) -> None:
    send(region, ["A1", "A2"])
    arrive(region, payment("T1", paid("A1"), denied("A2"), total="131.25"))
    run = process(region)
    assert set(states(region).values()) == {State.UPLOADED}
    row = Payment.objects.get()
    assert (row.state, row.difference) == (Payment.State.PARKED, Decimal("-1.25"))
    assert row.faults == ["payment does not balance"]
    assert (row.total, row.paid, row.claims) == (Decimal("131.25"), 130, 2)
    assert run_report(run)["outcomes"] == {"parked": 1}
    assert run_report(run)["money"] == {"parked_paid": "130"}
    assert not Answer.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("SVC*HC:99213*150*130", "SVC*HC:99213*150*129.99", "claims do not balance"),
        ("CAS*PR*1*20", "CAS*PR*1*2O", "amount that is no number"),
        ("SE*", "XX*", "cut off"),
        ("*130*", "*130.005*", "amounts beyond cents, or too large"),
    ],
)
def test_nothing_of_a_spoilt_payment_is_posted(region: Region, old: str, new: str, fault: str) -> None:
    send(region, ["A1"])
    content = payment("T1", paid("A1"), total=130).decode()
    assert old in content
    arrive(region, content.replace(old, new).encode())
    process(region)
    assert states(region) == {"A1": State.UPLOADED}
    row = Payment.objects.get()
    assert row.state == Payment.State.PARKED
    assert fault in row.faults


def test_one_bad_set_does_not_stop_the_others(region: Region) -> None:
    send(region, ["A1", "A2", "A3"])
    good, bad, also = (
        remittance(trace, paid(account), total=total)
        for trace, account, total in (("T1", "A1", 130), ("T2", "A2", 1), ("T3", "A3", 130))
    )
    arrive(region, file_of("835", *(st("835", *each, number=at) for at, each in enumerate((good, bad, also), 1))))
    process(region)
    assert states(region) == {"A1": State.PAID, "A2": State.UPLOADED, "A3": State.PAID}
    assert list(Payment.objects.order_by("place").values_list("place", "set_number", "state")) == [
        (1, "0001", "posted"), (2, "0002", "parked"), (3, "0003", "posted"),
    ]  # fmt: skip


def test_the_same_payment_in_another_file_changes_nothing_and_is_counted(region: Region) -> None:
    """By (TRN03, TRN02), whatever the envelope says."""
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    before = everything(region)
    arrive(region, payment("T1", paid("A1"), total=130, number=906))
    run = process(region)
    assert everything(region) == before
    assert run_report(run)["outcomes"] == {"repeated": 1}
    again = Payment.objects.latest("id")
    assert (again.state, again.faults) == (Payment.State.REPEATED, [])


OTHER = "another payment of this trace was posted, of another total, day or payee, or of other claims"


def test_a_repeated_trace_with_another_total_is_parked_once(region: Region) -> None:
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    for number in (906, 907):
        arrive(region, payment("T1", paid("A1"), paid("A1"), total=260, number=number))
        process(region)
    assert list(Payment.objects.order_by("id").values_list("state", flat=True)) == ["posted", "parked", "repeated"]
    assert Payment.objects.get(state=Payment.State.PARKED).faults == [OTHER]
    assert Claim.objects.get().paid == 130


def test_a_trace_that_a_payer_uses_again_without_money_loses_no_denial(region: Region) -> None:
    """As payers do for notices of $0, which have no check or transfer to name: the second one of a day was taken for
    the first one again, and nobody heard that A2 was denied."""
    send(region, ["A1", "A2"])
    arrive(region, payment("NONE", denied("A1"), total=0))
    arrive(region, payment("NONE", denied("A2"), total=0, number=906))
    arrive(region, payment("NONE", denied("A2"), denied("A1"), total=0, number=907))
    arrive(region, payment("NONE", denied("A1"), denied("A2"), total=0, number=908))
    run = process(region)
    assert run_report(run)["outcomes"] == {"applied": 3, "repeated": 1}
    assert states(region) == {"A1": State.DENIED, "A2": State.DENIED}
    assert Claim.objects.get(control="A1").events.filter(state=State.DENIED).count() == 2


@pytest.mark.parametrize("other", [paid("A2"), paid("A1", code="2")])
def test_a_repeated_trace_of_a_cheque_with_other_claims_is_parked(region: Region, other: list[str]) -> None:
    """$130 of A2 were taken for the $130 of A1 again, since total, day, payee and number of claims are the same; so
    were those of another payer, where neither gives his id."""
    send(region, ["A1", "A2"])
    arrive(region, payment("T1", paid("A1"), total=130))
    arrive(region, payment("T1", other, total=130, number=906))
    arrive(region, payment("T1", other, total=130, number=907))
    run = process(region)
    assert run_report(run)["outcomes"] == {"applied": 1, "parked": 1, "repeated": 1}
    assert Payment.objects.get(state=Payment.State.PARKED).faults == [OTHER]
    assert states(region)["A2"] == State.UPLOADED


def test_a_spoilt_copy_of_what_was_posted_is_a_repetition(region: Region) -> None:
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=130))
    arrive(region, payment("T1", paid("A1"), total=130).replace(b"CAS*PR*1*20", b"CAS*PR*1*2O"))
    run = process(region)
    assert run_report(run)["outcomes"] == {"applied": 1, "repeated": 1}


def test_the_same_bytes_are_read_once(region: Region) -> None:
    send(region, ["A1"])
    content = payment("T1", paid("A1"), total=130)
    assert arrive(region, content).new
    process(region)
    before = everything(region)
    assert not arrive(region, content, "another name.835").new
    run = process(region)
    assert run_report(run)["read"] == 0
    assert everything(region) == before
    assert Document.objects.filter(direction="received").count() == 1


def test_a_parked_payment_that_comes_again_is_parked_once(region: Region) -> None:
    send(region, ["A1"])
    for number in (905, 906):
        arrive(region, payment("T1", paid("A1"), total=1, number=number))
    process(region)
    assert list(Payment.objects.order_by("id").values_list("state", flat=True)) == ["parked", "repeated"]


def test_a_parked_payment_that_comes_right_is_posted_and_the_parked_one_closed(region: Region) -> None:
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=131))
    process(region)
    good = arrive(region, payment("T1", paid("A1"), total=130)).document
    process(region)
    assert states(region) == {"A1": State.PAID}
    closed = Payment.objects.get(state=Payment.State.SETTLED)
    assert closed.note == f"Came whole in document {good.pk}."


def test_a_person_settles_what_is_parked_with_a_note_and_nothing_else(region: Region) -> None:
    user = UserFactory.create(role="finance", regions=[region])
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A1"), total=131))
    process(region)
    row = Payment.objects.get()
    with pytest.raises(Misuse, match="what was done"):
        settle_payment(row, user, " ")
    settle_payment(row, user, "Booked by hand.")
    assert (row.state, row.settled_by, row.note) == (Payment.State.SETTLED, user, "Booked by hand.")
    assert states(region) == {"A1": State.UPLOADED}
    with pytest.raises(Misuse, match="nothing to settle"):
        settle_payment(row, user, "Again.")


def test_provider_adjustments_are_kept_with_the_payment(region: Region) -> None:
    send(region, ["A1"])
    segments = [*remittance("T1", paid("A1"), total="119.5"), "PLB*1245319599*20261231*WO:A0001*20.5*L6*-10"]
    arrive(region, file_of("835", st("835", *segments)))
    process(region)
    row = Payment.objects.get()
    assert (row.state, row.adjusted) == (Payment.State.POSTED, Decimal("10.50"))
    assert row.adjustments == [["WO", "A0001", "20.5"], ["L6", "", "-10"]]


def test_a_region_may_say_which_reasons_are_no_denial(region: Region) -> None:
    region.clearinghouse = {**region.clearinghouse, "contractual": ["197"]}
    region.save()
    send(region, ["A1"])
    claim = [*paid("A1")[:-2], "CAS*CO*197*50", "REF*6R*L2"]
    arrive(region, payment("T1", claim, total=130))
    process(region)
    assert states(region) == {"A1": State.PAID}


def test_a_payment_takes_as_many_statements_for_forty_claims_as_for_two(region: Region) -> None:
    """None is asked or written claim by claim, nor is its file read twice."""
    statements = []
    for trace, number in (("T1", 2), ("T2", 40)):
        controls = [f"{trace}C{at}" for at in range(number)]
        send(region, controls, number=number)
        arrive(region, payment(trace, *map(paid, controls), total=130 * number, number=number))
        run = start("process_claim_files", region)
        with CaptureQueriesContext(connection) as asked:
            finish(run)
        statements.append(len(asked))
    assert set(states(region).values()) == {State.PAID}
    assert statements[0] == statements[1]


def test_a_payment_of_more_claims_than_are_held_is_read_again_and_says_the_same(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three sets, of which the second is too large."""
    sets = {"T1": ["A1"], "T2": ["A2", "A3", "A4"], "T3": ["A5", "A9"]}
    other = RegionFactory.create(name="west", clearinghouse=HOUSE)
    found = []
    for number, (each, most) in enumerate(((region, 2), (other, 3)), start=905):
        monkeypatch.setattr(payments, "HELD", most)
        send(each, ["A1", "A2", "A3", "A4", "A5"], number=number)
        told = [remittance(trace, *map(paid, names), total=130 * len(names)) for trace, names in sets.items()]
        arrive(each, file_of("835", *(st("835", *segments, number=at) for at, segments in enumerate(told, 1))))
        process(each)
        found.append(everything(each))
    assert found[0] == found[1]
    assert set(states(region).values()) == {State.PAID}


def test_a_parked_payment_keeps_which_claims_and_lines_do_not_balance(region: Region) -> None:
    send(region, ["A1", "A2", "A3"])
    told = payment("T1", paid("A1"), paid("A2"), paid("FOREIGN"), denied("A3"), total=390).decode()
    head, first, second, third = told.split("CLP*", 3)
    second = second.replace("SVC*HC:99213*150*130", "SVC*HC:99213*150*129.5")
    third = third.replace("CAS*CO*197*200", "CAS*CO*197*150").replace("*200*130*20*", "*210*130*20*")
    arrive(region, "CLP*".join((head, first, second, third)).encode())
    process(region)
    row = Payment.objects.get()
    assert (row.state, row.unbalanced_claims) == (Payment.State.PARKED, 3)
    line_off, charge_off, denial_off = unbalanced_of([row])[row.pk]
    assert (line_off["account"], line_off["difference"]) == ("A2", 0)
    assert [(line["control"], line["difference"]) for line in line_off["lines"]] == [("L1", Decimal("0.5"))]
    assert (charge_off["claim"], charge_off["account"]) == (None, "")
    assert (charge_off["difference"], charge_off["lines_off"]) == (10, 10)
    assert (denial_off["account"], denial_off["adjusted"], denial_off["difference"]) == ("A3", 150, 50)
    assert told.split("~")[1 + denial_off["segment"]].strip().startswith("CLP*A3")
