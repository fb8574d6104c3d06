"""Several submitters in one mailbox: what answers another's file says nothing of ours. edi.md 6.1."""

import pytest
from django.db import IntegrityError, transaction

from backoffice.runs.report import run_report
from billing.models import Batch, BatchSet
from billing.numbers import next_control
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import HOUSE, arrive, process, send, states, status, syntax, ta1
from tests.edi.written import file_of, st
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db(transaction=True)
SOUTH = "SOUTHCLINIC"


def to(receiver: str, content: bytes, group: str = "") -> bytes:
    """The answer, addressed to another submitter (ISA08 and GS03)."""
    other = content.replace(b"NIGHTWARD      ", receiver.ljust(15).encode())
    return other.replace(b"*OA*NIGHTWARD*", f"*OA*{group or receiver}*".encode())


def test_a_rejection_of_another_senders_file_of_our_number_fails_no_claim_of_ours(region: Region) -> None:
    """North's claim stood as file failed, to be made and sent again, for the 999, the TA1 and the 277CA of south's
    file 1: $200 would have been claimed twice."""
    send(region, ["A1"], number=1)
    arrive(region, to(SOUTH, syntax("R", number=1)))
    arrive(region, to(SOUTH, ta1("R", number=1, note="024")))
    arrive(region, to(SOUTH, status("B1-1", head="A3:24:41")))
    run = process(region)
    assert run_report(run)["outcomes"] == {"not_ours": 3}
    assert states(region) == {"A1": State.UPLOADED}
    assert Batch.objects.filter(acknowledged_at=None, answered_at=None).count() == 1


def test_regions_that_send_under_one_name_are_told_apart_by_their_groups(region: Region) -> None:
    """A 999 R for south's group moved north's claim, since both have NIGHTWARD in ISA06."""
    RegionFactory.create(name="west", clearinghouse={**HOUSE, "group_sender": SOUTH, "submitter_id": "W1"})
    send(region, ["A1"], number=1)
    arrive(region, to("NIGHTWARD", syntax("R", number=1), group=SOUTH))
    assert run_report(process(region))["outcomes"] == {"not_ours": 1}
    assert states(region) == {"A1": State.UPLOADED}


def test_an_answer_that_names_whom_we_sent_it_to_is_of_our_only_file_of_that_number(region: Region) -> None:
    """As some answer without turning the addresses round."""
    send(region, ["A1"], number=1)
    arrive(region, to("330897513", syntax("R", number=1)))
    process(region)
    assert states(region) == {"A1": State.FILE_FAILED}


def test_a_rejected_set_is_that_of_the_sender_whom_the_answer_is_addressed_to(region: Region) -> None:
    """A BHT03 that the region had used before, with another clearinghouse, rejected the claims of both."""
    send(region, ["A1"], number=1)
    Batch.objects.update(sender="OLDNAME", receiver="OLDHOUSE")
    send(region, ["A2"], number=2)
    Batch.objects.filter(sender="NIGHTWARD").update(control=1)
    BatchSet.objects.update(reference="B1-1")
    arrive(region, status("B1-1", head="A3:24:41"))
    process(region)
    assert states(region) == {"A1": State.UPLOADED, "A2": State.REJECTED_BY_CLEARINGHOUSE}


def test_the_999_of_an_eligibility_request_fails_no_claims(region: Region) -> None:
    """AK101: a 270 that was refused under our group's number had the claims of the batch sent twice."""
    send(region, ["A1"])
    arrive(region, file_of("999", st("999", "AK1*HS*905*005010X279A1", "AK2*270*0001", "IK5*R*5", "AK9*R*1*1*0")))
    assert run_report(process(region))["outcomes"] == {"unmatched": 1}
    assert states(region) == {"A1": State.UPLOADED}


def test_no_two_files_to_one_receiver_have_one_number_whoever_sends(region: Region) -> None:
    """Each sender began at 1: two files of the same second had one name, and one of them was deleted."""
    with transaction.atomic():
        assert [next_control("330897513", "P") for _ in "12"] == [1, 2]
        assert next_control("330897513", "T") == next_control("OTHER", "P") == 1
    send(region, ["A1"], number=7)
    Batch.objects.update(sender=SOUTH)
    with pytest.raises(IntegrityError), transaction.atomic():
        send(region, ["A2"], number=7)
