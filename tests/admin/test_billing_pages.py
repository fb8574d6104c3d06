"""What the pages of claims, batches, files, answers and payments say, and how lists are narrowed and added up."""

from typing import Any

import pytest

from billing.models import Batch, Claim, Payment
from claims.edi.status import State
from tests.admin.billing_world import Billing, adjudicate, make_claim, make_document, tell
from tests.admin.conftest import SignIn, World, text_of

PLACE = "/admin/billing/"
CLAIMS = f"{PLACE}claim/"


def numbers(response: Any) -> list[str]:
    """The claims of a list, by their last digit."""
    return [each["row"].control[-1] for each in response.context["rows"]]


@pytest.mark.slow
def test_claims_are_narrowed_and_added_up(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("operator")
    for query, found in (
        ("", "54321"),
        ("?state=denied", "2"),
        ("?state=denied&region=north&kind=MED&payer=60054&days=30", "2"),
        ("?kind=NONMED", ""),
        ("?days=older", ""),
        (f"?batch={billing.batch.pk}", "321"),
        (f"?set={billing.batch.sets.get().pk}", "321"),
        (f"?q={billing.paid.control.lower()}", "1"),
        (f"?q={billing.paid.appointment_id}", "1"),
        ("?q=Okonkwo", ""),
        ("?payer=nobody", ""),
    ):
        assert "".join(numbers(client.get(CLAIMS + query))) == found, query
    page = text_of(client, CLAIMS)
    assert "Together: charge $560.50, paid $90.00, patient's share $20.00." in page
    assert "charge $120.00, paid $0.00" in text_of(client, f"{CLAIMS}?state=denied")


def test_a_list_that_is_empty_says_why(sign_in: SignIn, north: World) -> None:
    client = sign_in("operator")
    for path, says in (
        ("claim/", "No claim has been made yet"),
        ("claim/?state=paid", "No claim matches"),
        ("claim/?q=nothing", "No claim and no visit is called “nothing”"),
        ("claim/refused/", "No claim is held back"),
        ("unclaimable/", "Nothing is missing"),
        ("batch/", "Nothing has been sent yet"),
        ("document/", "No file has been sent or received yet"),
        ("answer/", "Every answer has found its claim"),
        ("payment/", "No payment has come yet"),
        ("payment/days/", "No payment has been posted yet"),
    ):
        assert says in text_of(client, PLACE + path), path


def test_a_refused_claim_says_which_rule_and_what_to_do(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("operator")
    assert numbers(client.get(f"{CLAIMS}refused/")) == ["5"]
    assert numbers(client.get(f"{CLAIMS}refused/?reason=npi")) == ["5"]
    assert numbers(client.get(f"{CLAIMS}refused/?reason=icd")) == []
    for path in ("refused/", f"{billing.refused.pk}/change/"):
        assert "The NPI is not a valid one: correct it." in text_of(client, CLAIMS + path)
    assert "Held back together: $80.50" in text_of(client, f"{CLAIMS}refused/")
    Claim.objects.update(withdrawn=True)
    assert numbers(client.get(f"{CLAIMS}refused/")) == []


def test_a_claim_says_what_each_line_was_paid_and_why_the_rest_was_not(sign_in: SignIn, billing: Billing) -> None:
    page = text_of(sign_in("operator"), f"{CLAIMS}{billing.paid.pk}/change/")
    for words in (
        "contractual: the charge is over the contracted or allowed amount.",
        "share: copay.",
        "Remarks: N130",
        "Part of it was not paid.",
        f"ICN{billing.paid.pk}",
        f"write {billing.paid.write_id}",
    ):
        assert words in page, words


def test_after_a_reversal_the_lines_are_those_of_the_decision_that_stands(sign_in: SignIn, billing: Billing) -> None:
    claim = billing.paid
    later = make_document(billing.region, kind="835", name="later.835")
    tell(claim, State.REVERSED, later, code="22", paid=-90, day="2026-03-28", payment="1 T3", detail={"lines": []})
    adjudicate(claim, later, State.PAID, "110.00", "0.00", [["CO", "253", "10.00", None]], day="2026-03-28")
    page = text_of(sign_in("operator"), f"{CLAIMS}{claim.pk}/change/")
    assert "CO 253" in page
    assert "CO 45" not in page


def test_the_thread_of_a_claim_goes_from_the_visit_to_the_remittance_step_by_step(
    sign_in: SignIn, billing: Billing
) -> None:
    errors = [{"segment": "NM1", "position": 9, "code": "8", "elements": [["NM109", "7"]]}]
    tell(billing.paid, "", billing.remittance, key="kept", says="Named in a report.", detail={"errors": errors})
    response = sign_in("operator").get(f"{CLAIMS}{billing.paid.pk}/change/")
    told = response.context["thread_rows"]
    titles = [each.title for each in told]
    steps = [titles.index(title) for title in ("Batch 000000042", "Uploaded", "Received", "Partly paid")]
    assert steps == sorted(steps), titles
    assert titles[:2] == [f"Visit {billing.paid.write.appointment_id}", "Recovered services written"]  # type: ignore[union-attr]
    assert {"Batch 000000042", "Uploaded", "Received", "Named in a report."} <= set(titles)
    assert [(each.paid, each.share) for each in told if each.title == "Partly paid"] == [("$90.00", "$20.00")]
    page = response.content.decode()
    for words in ("9_ERA_835.835", "NM1: Elements of the segment have errors.", "NM109: The code is not valid."):
        assert words in page, words


def test_versions_lead_to_each_other(sign_in: SignIn, billing: Billing) -> None:
    later = make_claim(billing.region, 9, replaces=billing.denied, frequency="7")
    client = sign_in("operator")
    assert f"{CLAIMS}{later.pk}/change/" in text_of(client, f"{CLAIMS}{billing.denied.pk}/change/")
    assert f"{CLAIMS}{billing.denied.pk}/change/" in text_of(client, f"{CLAIMS}{later.pk}/change/")
    assert "replacement, this one" in text_of(client, f"{CLAIMS}{later.pk}/change/")


def test_a_batch_says_its_numbers_its_sets_and_how_its_claims_stand(sign_in: SignIn, billing: Billing) -> None:
    page = text_of(sign_in("operator"), f"{PLACE}batch/{billing.batch.pk}/change/")
    for words in (
        "000000042, production",
        "P0000000420001",
        "accepted",
        "$360.00",
        "partly paid",
        "denied",
        "received",
    ):
        assert words in page, words
    assert "12345_answer_999.999" in page
    assert "9_ERA_835.835" in page
    states = sign_in("operator").get(f"{PLACE}batch/{billing.batch.pk}/change/").context["states"]
    assert sum(state["claims"] for state in states) == 3
    assert sum(state["charge"] for state in states) == billing.batch.charge
    assert f"{PLACE}batch/{billing.batch.pk}/" in text_of(sign_in("operator"), f"{PLACE}batch/?q=000000042")
    assert "No batch matches" in text_of(sign_in("operator"), f"{PLACE}batch/?q=44")


def test_what_is_sent_and_unconfirmed_leads_to_the_three_decisions(sign_in: SignIn, billing: Billing) -> None:
    page = text_of(sign_in("operator"), f"{PLACE}batch/{billing.unconfirmed.pk}/change/")
    assert "ask the clearinghouse whether it has this file" in page
    for name in ("arrived", "again", "give_up"):
        assert f"{PLACE}batch/{billing.unconfirmed.pk}/decide/{name}/" in page
    assert "/decide/" not in text_of(sign_in("viewer"), f"{PLACE}batch/{billing.unconfirmed.pk}/change/")
    assert "/decide/" not in text_of(sign_in("operator"), f"{PLACE}batch/{billing.batch.pk}/change/")


def test_a_file_says_where_it_came_from_and_what_reading_found(sign_in: SignIn, billing: Billing) -> None:
    answered = billing.sent.events.get(state="received").document
    assert answered is not None
    page = text_of(sign_in("operator"), f"{PLACE}document/{answered.pk}/change/")
    for words in (
        "outbound",
        answered.sha256,
        "segment 12, CLP03",
        "An amount is not a number",
        "000000042",
        "3 events",
    ):
        assert words in page, words
    page = text_of(sign_in("operator"), f"{PLACE}document/{billing.remittance.pk}/change/")
    assert f"{PLACE}payment/{billing.parked.pk}/change/" in page
    assert f"{PLACE}answer/?state=all&amp;document={billing.remittance.pk}" in page
    listed = text_of(sign_in("operator"), f"{PLACE}document/?q=9_era&direction=received&kind=835")
    assert "1 file" in listed


def test_a_parked_payment_shows_its_difference_and_why(sign_in: SignIn, billing: Billing) -> None:
    page = text_of(sign_in("finance"), f"{PLACE}payment/{billing.parked.pk}/change/")
    for words in ("$90.00", "$5.00", "$100.00", "-$15.00", "Payment does not balance", "REF-9"):
        assert words in page, words


def test_a_parked_payment_names_the_claims_that_do_not_balance(sign_in: SignIn, billing: Billing) -> None:
    """One that is none of ours without its number."""
    off = {"segment": 8, "charge": "60.00", "paid": "10.00", "adjusted": "20.00", "difference": "30.00"}
    rows = [
        {**off, "account": account, "lines_off": "0.00", "lines": [{**off, "control": "L7", "segment": 77}]}
        for account in (billing.denied.control, "OTHERS-1")
    ]
    Payment.objects.filter(pk=billing.parked.pk).update(unbalanced=rows, unbalanced_claims=5)
    page = text_of(sign_in("finance"), f"{PLACE}payment/{billing.parked.pk}/change/")
    for words in (f"claim/{billing.denied.pk}/change/", billing.denied.control, "$30.00", "Line L7", "3 more claims"):
        assert words in page, words
    assert "no claim of ours" in page
    assert "OTHERS-1" not in page


def test_a_batch_says_where_a_277ca_counts_otherwise(sign_in: SignIn, billing: Billing) -> None:
    assert "What the 277CA counts" not in text_of(sign_in("operator"), f"{PLACE}batch/{billing.batch.pk}/change/")
    whole = {"claims": 2, "charge": "240.00", "sent_claims": 3, "sent_charge": "360.00", "differs": True}
    told = {"whole": whole, "providers": [], "differs": True, "document": billing.remittance.pk}
    billing.batch.sets.update(told=told, differs=True)
    page = text_of(sign_in("operator"), f"{PLACE}batch/{billing.batch.pk}/change/")
    for words in ("What the 277CA counts", "$240.00", "$360.00", "differs", f"File {billing.remittance.pk}"):
        assert words in page, words


def test_payments_are_added_up_by_day_and_lead_to_the_list(sign_in: SignIn, billing: Billing) -> None:
    client = sign_in("finance")
    (day,) = client.get(f"{PLACE}payment/days/").context["rows"]
    assert (str(day["paid_on"]), day["payments"], day["of_claims"], day["total"]) == ("2026-03-20", 1, 2, 90)
    address = f"{PLACE}payment/?state=posted&day=2026-03-20"
    assert address.replace("&", "&amp;") in text_of(client, f"{PLACE}payment/days/")
    assert "1 payment" in text_of(client, address)
    assert "Together: $90.00" in text_of(client, address)
    assert "No payment matches" in text_of(client, f"{PLACE}payment/?day=never")


def test_unclaimable_services_say_what_is_missing_where_to_load_it_and_the_dollars(
    sign_in: SignIn, billing: Billing
) -> None:
    page = text_of(sign_in("finance"), f"{PLACE}unclaimable/?lacks=charge")
    for words in ("The block is not in the charge master", "charge_master.csv", "no birth date", "$44.00"):
        assert words in page, words
    assert "No service matches" in text_of(sign_in("finance"), f"{PLACE}unclaimable/?lacks=payer")


@pytest.mark.parametrize("state", Batch.State)
def test_each_state_of_a_batch_has_words(sign_in: SignIn, billing: Billing, state: str) -> None:
    Batch.objects.filter(pk=billing.batch.pk).update(state=state)
    assert sign_in("viewer").get(f"{PLACE}batch/{billing.batch.pk}/change/").context["advice"]


@pytest.mark.parametrize("state", State)
def test_each_state_of_a_claim_has_words(sign_in: SignIn, billing: Billing, state: str) -> None:
    Claim.objects.filter(pk=billing.sent.pk).update(state=state)
    response = sign_in("viewer").get(f"{CLAIMS}{billing.sent.pk}/change/")
    assert response.context["advice"]
