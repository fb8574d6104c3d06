"""What the clearinghouse's 277CA counts and adds up is compared with what was sent. edi.md 6.3."""

import pytest

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from billing.models import BatchSet
from regions.models import Region
from tests.billing.answered import arrive, denied, payment, process, send, status

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = [("A1", "A2:20:PR"), ("A2", "A7:562:85")]


@pytest.mark.parametrize(
    ("totals", "differs"),
    [
        (["QTY*90*1", "QTY*AA*1", "AMT*YU*200", "AMT*YY*200"], False),
        (["QTY*90*2", "AMT*YU*400"], False),
        (["QTY*90*1", "AMT*YU*400"], True),
        (["QTY*90*2", "AMT*YU*399.99"], True),
        (["STC*A1:19*20260105*WQ*200"], True),
        ([], False),
    ],
)
def test_a_set_whose_totals_are_others_than_were_sent_differs(region: Region, totals: list[str], differs: bool) -> None:
    send(region, ["A1", "A2"])
    arrive(region, status("B905-1", BOTH, totals=totals))
    process(region)
    assert BatchSet.objects.get().differs is differs


def test_an_alert_stands_while_totals_differ_and_claims_wait(region: Region, queue: object) -> None:
    send(region, ["A1", "A2"])
    arrive(region, status("B905-1", BOTH[:1], totals=["QTY*90*1", "AMT*YU*200"]))
    process(region)
    check_alerts()
    (alert,) = Alert.objects.standing()
    assert alert.message == (
        "North: 1 set of claims has other totals in the 277CA than were sent: see the batch's page."
    )
    told = BatchSet.objects.get().told["whole"]
    assert (told["claims"], told["sent_claims"], told["charge"], told["sent_charge"]) == (1, 2, "200.00", "400.00")
    arrive(region, status("B905-1", BOTH, totals=["QTY*90*1", "QTY*AA*1", "AMT*YU*200", "AMT*YY*200"]))
    process(region)
    check_alerts()
    assert not Alert.objects.standing().exists()


def test_no_alert_stands_once_every_claim_of_the_set_is_decided(region: Region, queue: object) -> None:
    send(region, ["A1"])
    arrive(region, status("B905-1", BOTH[:1], totals=["QTY*90*7"]))
    arrive(region, payment("T1", denied("A1"), total=0))
    process(region)
    check_alerts()
    assert BatchSet.objects.get().differs
    assert not Alert.objects.standing().exists()


def test_a_providers_totals_are_compared_with_its_claims(region: Region) -> None:
    send(region, ["A1", "A2"])
    whole = ["QTY*90*2", "AMT*YU*400"]
    arrive(region, status("B905-1", BOTH, totals=whole, of_provider=["TRN*1*0", "STC*A1:19**WQ*400", "QTY*QA*3"]))
    process(region)
    one = BatchSet.objects.get()
    assert one.differs
    assert not one.told["whole"]["differs"]
    (provider,) = one.told["providers"]
    assert (provider["claims"], provider["sent_claims"], provider["charge"]) == (3, 2, "400.00")


def test_a_payers_totals_are_of_its_own_claims_and_not_compared(region: Region) -> None:
    send(region, ["A1", "A2"])
    arrive(region, status("B905-1", BOTH, source="PR", totals=["QTY*90*1", "AMT*YU*200"]))
    process(region)
    assert BatchSet.objects.get().told == {}
