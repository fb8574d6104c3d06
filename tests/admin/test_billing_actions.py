"""What a person decides: of batches, answers and parked payments, of a claim; and what a submission asks first."""

from typing import Any

import pytest
from auditlog.models import LogEntry

from backoffice.runs.models import Run
from billing.models import Answer, Batch, Claim, Document, Payment
from tests.admin.billing_world import Billing, make_document
from tests.admin.conftest import SignIn, said, text_of

PLACE = "/admin/billing/"
HOUSE = {
    "host": "sftp.example.org", "user": "north", "known_hosts": "sftp.example.org ssh-ed25519 AAAA", "sender": "NORTH",
    "submitter": "NORTH CLINIC", "contact": "BILLING DESK", "phone": "4025550100",
}  # fmt: skip


def decide(billing: Billing, name: str) -> str:
    return f"{PLACE}batch/{billing.unconfirmed.pk}/decide/{name}/"


def changes(row: Any) -> list[Any]:
    """What the audit log says was changed of a row."""
    entries = LogEntry.objects.get_for_object(row).filter(action=LogEntry.Action.UPDATE).order_by("pk")
    return [entry.changes for entry in entries]


@pytest.mark.parametrize(
    ("name", "state", "warns"),
    [
        ("arrived", Batch.State.UPLOADED, "no answer comes"),
        ("again", Batch.State.BATCHED, "TA1 025"),
        ("give_up", Batch.State.FAILED, "claimed twice"),
    ],
)
def test_a_decision_says_what_it_leads_to_and_changes_nothing_before_it_is_taken(
    sign_in: SignIn, billing: Billing, name: str, state: str, warns: str
) -> None:
    client = sign_in("operator")
    page = text_of(client, decide(billing, name))
    assert warns in page
    assert "3 claims, $360.00" in page
    billing.unconfirmed.refresh_from_db()
    assert billing.unconfirmed.state == Batch.State.UNCONFIRMED
    response = client.post(decide(billing, name))
    assert response["Location"] == f"{PLACE}batch/{billing.unconfirmed.pk}/change/"
    billing.unconfirmed.refresh_from_db()
    assert billing.unconfirmed.state == state
    assert changes(billing.unconfirmed)[-1] == {"state": ["unconfirmed", state]}


def test_what_is_no_longer_open_is_said_and_left_alone(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("operator")
    Batch.objects.filter(pk=billing.unconfirmed.pk).update(state=Batch.State.UPLOADED)
    assert "is uploaded: that is not to be decided of it" in text_of(client, decide(billing, "again"))
    assert "is uploaded" in said(client.post(decide(billing, "again")))
    billing.unconfirmed.refresh_from_db()
    assert billing.unconfirmed.state == Batch.State.UPLOADED
    assert client.get(decide(billing, "burn")).status_code == 404


def test_what_was_given_up_is_not_sent_again_from_here(sign_in: SignIn, billing: Billing) -> None:
    """Its claims may have been made again meanwhile, and would be claimed twice."""
    client = sign_in("operator")
    client.post(decide(billing, "give_up"))
    client.post(decide(billing, "again"))
    billing.unconfirmed.refresh_from_db()
    assert billing.unconfirmed.state == Batch.State.FAILED


def test_an_answer_is_linked_to_a_claim_of_its_region_by_number(
    sign_in: SignIn, billing: Billing, others: Billing
) -> None:
    client, address = sign_in("finance"), f"{PLACE}answer/{billing.answer.pk}/change/"
    link = {"link": "1", "link-note": "The number was typed wrongly."}
    foreign = client.post(address, {**link, "link-claim": others.sent.control})
    assert "No claim of this region has that number" in foreign.content.decode()
    response = client.post(address, {**link, "link-claim": billing.sent.control.lower()})
    assert response["Location"] == address
    billing.sent.refresh_from_db()
    assert (billing.sent.state, billing.sent.paid) == ("paid", 55)
    answer = Answer.objects.get(pk=billing.answer.pk)
    assert (answer.claim, answer.note) == (billing.sent, "The number was typed wrongly.")
    assert changes(answer)
    page = text_of(client, address)
    assert billing.sent.control in page
    assert "The number was typed wrongly." in page
    assert 'name="link"' not in page
    assert "The number was typed wrongly." not in text_of(sign_in("viewer"), address)


def test_an_answer_is_closed_with_a_note_and_not_without(sign_in: SignIn, billing: Billing) -> None:
    client, address = sign_in("operator"), f"{PLACE}answer/{billing.answer.pk}/change/"
    assert "This field is required" in client.post(address, {"close": "1", "close-note": " "}).content.decode()
    client.post(address, {"close": "1", "close-note": "Another clinic's."})
    assert "Every answer has found its claim" in text_of(client, f"{PLACE}answer/")
    assert "closed" in text_of(client, f"{PLACE}answer/?state=resolved")
    assert "Somebody has dealt with this answer" in said(client.post(address, {"close": "1", "close-note": "Again."}))


def test_a_parked_payment_is_settled_with_a_note_and_not_without(sign_in: SignIn, billing: Billing) -> None:
    client, address = sign_in("finance"), f"{PLACE}payment/{billing.parked.pk}/change/"
    assert "This field is required" in client.post(address, {"note": ""}).content.decode()
    client.post(address, {"note": "Sent anew as T9."})
    parked = Payment.objects.get(pk=billing.parked.pk)
    assert (parked.state, parked.note) == ("settled", "Sent anew as T9.")
    assert changes(parked)
    page = text_of(client, address)
    assert "Sent anew as T9." in page
    assert "Settle it" not in page
    assert "Sent anew" not in text_of(sign_in("viewer"), address)  # a person may have written of a person


@pytest.mark.slow
def test_a_file_that_cannot_be_read_waits_until_it_is_settled_with_a_note(sign_in: SignIn, billing: Billing) -> None:
    file = make_document(billing.region, "unlike X12", state="unreadable", kind="ZIP", findings=[["file 2", "ratio"]])
    client, address = sign_in("operator"), f"{PLACE}document/{file.pk}/change/"
    front = text_of(client, "/admin/")
    assert f"{PLACE}document/?state=unreadable" in front
    assert "1 file</a>" in front
    assert "This field is required" in client.post(address, {"note": ""}).content.decode()
    client.post(address, {"note": "Came anew as 12_ERA."})
    settled = Document.objects.get(pk=file.pk)
    assert (settled.state, settled.note) == ("settled", "Came anew as 12_ERA.")
    assert settled.settled_by
    assert changes(settled)
    page = text_of(client, address)
    assert "Came anew as 12_ERA." in page
    assert "Settle it" not in page
    assert "Came anew" not in text_of(sign_in("viewer"), address)
    assert "1 file</a>" not in text_of(client, "/admin/")
    assert "there is nothing to settle" in said(client.post(address, {"note": "Once more."}))
    assert sign_in("viewer").post(address, {"note": "x"}).status_code == 403


def test_a_refused_claim_is_made_again_where_it_is_and_checked(sign_in: SignIn, billing: Billing) -> None:
    client, address = sign_in("operator"), f"{PLACE}claim/{billing.refused.pk}/again/again/"
    assert "load what was wrong first" in text_of(client, address)
    response = client.post(address)
    assert response["Location"] == f"{PLACE}claim/{billing.refused.pk}/change/"
    assert "is made" in said(response)
    assert Claim.objects.filter(region=billing.region).count() == 5


def test_a_claim_that_the_payer_has_is_taken_back_once(sign_in: SignIn, billing: Billing) -> None:
    client, address = sign_in("operator"), f"{PLACE}claim/{billing.paid.pk}/again/void/"
    Claim.objects.filter(pk=billing.paid.pk).update(payer_claim="ICN1")
    assert "The payer takes the claim back, and what it paid." in text_of(client, address)
    response = client.post(address)
    later = billing.paid.versions.get()
    assert (later.frequency, later.state) == ("8", "draft")
    assert response["Location"] == f"{PLACE}claim/{later.pk}/change/"
    assert changes(later)
    assert "later version" in text_of(client, address)
    assert "later version" in said(client.post(address))
    assert "/again/" not in text_of(client, f"{PLACE}claim/{billing.paid.pk}/change/")


def test_what_keeps_a_claim_from_being_replaced_is_said(sign_in: SignIn, billing: Billing) -> None:
    client, address = sign_in("operator"), f"{PLACE}claim/{billing.paid.pk}/again/replace/"
    Claim.objects.filter(pk=billing.paid.pk).update(payer_claim="ICN1")
    assert "what was paid may be taken back first" in text_of(client, address)
    assert "What it was made of lacks now" in said(client.post(address))
    assert not billing.paid.versions.exists()


def test_what_is_not_to_be_done_with_a_claim_is_not_offered(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("operator")
    assert "/again/" not in text_of(client, f"{PLACE}claim/{billing.ready.pk}/change/")
    assert "/again/void/" not in text_of(client, f"{PLACE}claim/{billing.refused.pk}/change/")
    assert "not to be done with this claim" in text_of(client, f"{PLACE}claim/{billing.ready.pk}/again/void/")
    assert client.get(f"{PLACE}claim/{billing.ready.pk}/again/burn/").status_code == 404


# Starting


@pytest.fixture
def connected(billing: Billing) -> Billing:
    billing.region.clearinghouse = HOUSE
    billing.region.env_vars = {"SFTP_PASSWORD": "s3cret-of-the-north"}
    billing.region.save()
    return billing


@pytest.mark.usefixtures("queue")
def test_a_submission_asks_first_and_says_what_goes_where(sign_in: SignIn, connected: Billing) -> None:
    client, address = sign_in("operator"), f"{PLACE}claim/start/submit_claims/"
    waits = text_of(client, address)
    assert "$120.00" in waits
    page = client.post(address, {"region": connected.region.pk}).content.decode()
    for words in (
        "claims of North to its",
        "1 claim, $120.00",
        "sftp.example.org",
        "nothing is forwarded",
        "1 file of",
    ):
        assert words in page, words
    assert "s3cret" not in page
    assert not Run.objects.filter(job="submit_claims").exists()
    response = client.post(address, {"region": connected.region.pk, "sure": "1"})
    run = Run.objects.get(job="submit_claims")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    assert (run.region, run.parameters) == (connected.region, {})
    assert address in text_of(client, "/admin/runs/run/")


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("job", ["list_claim_files", "process_claim_files", "claim_services"])
def test_the_files_jobs_start_at_once(sign_in: SignIn, connected: Billing, job: str) -> None:
    sign_in("operator").post(f"{PLACE}claim/start/{job}/", {"region": connected.region.pk})
    assert Run.objects.get(job=job).region == connected.region


def test_a_region_without_a_clearinghouse_is_told_what_it_lacks(sign_in: SignIn, billing: Billing) -> None:
    page = sign_in("operator").post(f"{PLACE}claim/start/submit_claims/", {"region": billing.region.pk})
    assert "clearinghouse.user" in page.content.decode()


def test_another_regions_claims_are_not_submitted(sign_in: SignIn, connected: Billing, others: Billing) -> None:
    response = sign_in("operator").post(f"{PLACE}claim/start/submit_claims/", {"region": others.region.pk, "sure": "1"})
    assert response.status_code == 200
    assert not Run.objects.filter(job="submit_claims").exists()
