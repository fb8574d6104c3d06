"""An answer whose claim is not there waits for it, or for a person. edi.md 6.1."""

import io
import zipfile

import pytest

from backoffice.runs.faults import Misuse
from backoffice.runs.report import run_report
from billing.admin.waiting import waiting_of
from billing.alerts import unreadable
from billing.linking import dismiss, link
from billing.models import Answer, Claim, ClaimLine, Payment
from billing.settling import settle_document
from claims.edi.status import State
from regions.models import Region
from tests.billing.answered import HOUSE, arrive, paid, payment, process, send, states, status, syntax
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_a_person_links_moves_the_claim_as_it_would_have(region: Region) -> None:
    user = UserFactory.create(role="finance", regions=[region])
    send(region, ["A1"])
    arrive(region, payment("T1", paid("A-1"), total=130))
    process(region)
    answer, claim = Answer.objects.get(), Claim.objects.get()
    assert Payment.objects.get().unmatched == 1
    with pytest.raises(Misuse, match="Say why"):
        link(answer, claim, user, "")
    link(answer, claim, user, "They print a dash.")
    claim.refresh_from_db()
    assert (claim.state, claim.paid, claim.share) == (State.PAID, 130, 20)
    assert list(ClaimLine.objects.values_list("paid", flat=True)) == [130, 0]
    assert claim.events.latest("id").made_by == user
    assert (answer.claim, answer.resolved_by, answer.note) == (claim, user, "They print a dash.")
    assert Payment.objects.get().unmatched == 0
    with pytest.raises(Misuse, match="already"):
        link(answer, claim, user, "Again.")


def test_an_answer_is_not_linked_across_regions_nor_one_of_a_whole_file_to_a_claim(region: Region) -> None:
    user = UserFactory.create(role="finance", regions=[region])
    south = RegionFactory.create(name="south", clearinghouse=HOUSE)
    send(region, ["A1"])
    send(south, ["B1"])
    arrive(region, payment("T1", paid("B1"), total=130))
    arrive(region, syntax("A", number=77))
    process(region)
    with pytest.raises(Misuse, match="different regions"):
        link(Answer.objects.get(kind="835"), Claim.objects.get(control="B1"), user, "x")
    dismiss(Answer.objects.get(kind="835"), user, "Of another region.")
    assert Payment.objects.get().unmatched == 0
    file = Answer.objects.get(kind="999")
    with pytest.raises(Misuse, match="whole file"):
        link(file, Claim.objects.get(control="A1"), user, "x")
    dismiss(file, user, "Of another clinic.")
    assert file.resolved_at is not None
    assert states(south) == {"B1": State.UPLOADED}


def test_an_answer_that_came_before_its_claim_is_applied_by_the_next_run(region: Region) -> None:
    arrive(region, status("B905-1", [("A1", "A2:20:PR")], source="PR"))
    arrive(region, payment("T1", paid("A1"), total=130))
    process(region)
    assert Answer.objects.filter(resolved_at=None).count() == 2
    send(region, ["A1"])
    run = process(region)
    assert run_report(run)["outcomes"] == {"found_later": 2}
    assert states(region) == {"A1": State.PAID}
    assert not Answer.objects.filter(resolved_at=None).exists()
    assert Payment.objects.get().unmatched == 0
    assert run_report(process(region))["read"] == 0


def test_a_zip_that_was_not_taken_whole_waits_for_a_person(region: Region) -> None:
    """Of two 835s of one name one was passed over: nothing stood among what waits, no alert, and nobody could settle
    it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("x/a.835", payment("T1", paid("A1"), total=130))
        archive.writestr("y/a.835", payment("T2", paid("A2"), total=130))
    document = arrive(region, held.getvalue(), "era.zip").document
    assert [(each.title, each.number) for each in waiting_of([region])] == [("Not taken whole", 1)]
    assert [wrong.key for wrong in unreadable()] == ["north/ZIP"]
    settle_document(document, UserFactory.create(), "They sent it again.")
    assert (document.state, list(unreadable()), waiting_of([region])) == ("settled", [], [])


def test_an_unknown_answer_that_comes_again_is_kept_once(region: Region) -> None:
    arrive(region, status("B1", [("Q1", "A2:20:PR")]))
    arrive(region, status("B1", [("Q1", "A2:20:PR")]).replace(b"000000905", b"000000906"))
    run = process(region)
    assert run_report(run)["outcomes"] == {"repeated": 1, "unmatched": 1}
    assert Answer.objects.count() == 1


def test_two_sets_of_one_number_in_a_file_are_told_apart(region: Region) -> None:
    """Several interchanges in one file may each begin with ST02 0001."""
    arrive(region, payment("T1", paid("Q1"), total=130) + payment("T2", paid("Q1"), total=130, day="20260106"))
    process(region)
    assert list(Payment.objects.values_list("unmatched", flat=True)) == [1, 1]
    assert Answer.objects.filter(reference="Q1").count() == 2
    send(region, ["Q1"])
    process(region)
    assert Claim.objects.get().paid == 260
