"""Batches and claims over the API: filters, pages, events, and nothing of a person in any answer."""

from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from billing.models import Batch, Claim, Payment
from regions.models import Region
from tests.admin.billing_world import SECRETS, Billing, make_billing, make_claim
from tests.api.conftest import Caller, TokenClient

pytestmark = pytest.mark.django_db
BATCHES, CLAIMS, DOCUMENTS = "/api/v1/batches/", "/api/v1/claims/", "/api/v1/documents/"


@pytest.fixture
def billing(north: Region) -> Billing:
    return make_billing(north)


@pytest.fixture
def others(south: Region) -> Billing:
    return make_billing(south)


def found(api: TokenClient, address: str) -> list[int]:
    response = api.get(address)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def stamp(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_claims_are_listed_by_state_region_batch_number_and_change(api: TokenClient, billing: Billing) -> None:
    everything = [claim.pk for claim in (billing.refused, billing.ready, billing.sent, billing.denied, billing.paid)]
    assert sorted(found(api, CLAIMS), reverse=True) == found(api, CLAIMS)
    assert set(found(api, CLAIMS)) == set(everything)
    assert found(api, f"{CLAIMS}?state=denied") == [billing.denied.pk]
    assert found(api, f"{CLAIMS}?region=north&control={billing.paid.control}") == [billing.paid.pk]
    assert set(found(api, f"{CLAIMS}?batch={billing.batch.pk}")) == {
        billing.paid.pk, billing.denied.pk, billing.sent.pk,
    }  # fmt: skip
    Claim.objects.exclude(pk=billing.sent.pk).update(changed_at=timezone.now() - timedelta(days=2))
    yesterday = stamp(timezone.now() - timedelta(days=1))
    assert found(api, f"{CLAIMS}?changed_since={yesterday}") == [billing.sent.pk]
    assert found(api, f"{CLAIMS}?changed_since={yesterday}&state=denied") == []


@pytest.mark.parametrize(
    ("instant", "count"),
    [("0001-01-01T00:00:00%2B23:59", 5), ("1891-02-12T22:12:39-20:33", 5), ("2300-01-01T00:00:00Z", 0),
     ("9999-12-31T23:59:59-23:59", 0)],
)  # fmt: skip
def test_a_time_before_or_after_every_claim_may_be_asked_for(
    api: TokenClient, billing: Billing, instant: str, count: int
) -> None:
    assert len(found(api, f"{CLAIMS}?changed_since={instant}")) == count


@pytest.mark.parametrize(
    "query",
    ["state=bogus", "changed_since=yesterday", "changed_since=2026-02-30T00:00:00Z", "batch=x", "kind=MED"],
)
def test_what_a_query_does_not_know_is_refused(api: TokenClient, query: str) -> None:
    assert api.get(f"{CLAIMS}?{query}").status_code == 400


def test_a_list_is_read_page_by_page_and_no_claim_twice(api: TokenClient, billing: Billing) -> None:
    seen: list[int] = []
    address = f"{CLAIMS}?limit=2"
    while address:
        answer = api.get(address).json()
        seen += [row["id"] for row in answer["results"]]
        address = answer["next"]
        if len(seen) == 2:
            make_claim(billing.region, 77)
    assert len(seen) == len(set(seen)) == 5


def test_a_claim_says_what_was_said_of_it(api: TokenClient, billing: Billing) -> None:
    claim = api.get(f"{CLAIMS}{billing.paid.pk}/").json()
    assert (claim["state"], claim["charge"], claim["paid"], claim["share"]) == (
        "partly paid", "120.00", "90.00", "20.00",
    )  # fmt: skip
    assert (claim["batch"], claim["replaces"], claim["versions"]) == (billing.batch.pk, None, [])
    assert [event["state"] for event in claim["events"]] == ["batched", "uploaded", "received", "partly paid"]
    last = claim["events"][-1]
    assert (last["document"], last["paid"], last["day"]) == (billing.remittance.pk, "90.00", "2026-03-20")
    assert last["detail"]["lines"][0]["adjustments"][0][:3] == ["CO", "45", "10.00"]
    assert claim["lines"][0]["procedure"] == "99213"
    refused = api.get(f"{CLAIMS}{billing.refused.pk}/").json()
    assert refused["refused"] == [{"rule": "npi", "says": "The NPI is not a valid one: correct it."}]


def test_a_batch_says_its_sets_and_times(api: TokenClient, billing: Billing) -> None:
    assert found(api, f"{BATCHES}?state=unconfirmed&region=north&kind=MED") == [billing.unconfirmed.pk]
    batch = api.get(f"{BATCHES}{billing.batch.pk}/").json()
    assert (batch["control"], batch["usage"], batch["claims"], batch["charge"]) == (42, "P", 3, "360.00")
    assert batch["sets"] == [
        {"number": "0001", "reference": "P0000000420001", "claims": 3, "charge": "360.00", "acknowledged": "A"}
    ]
    assert batch["acknowledged_at"] is not None
    assert batch["answered_at"] is None


def test_a_file_says_which_claims_of_its_parked_payment_do_not_balance(api: TokenClient, billing: Billing) -> None:
    off = {"segment": 8, "charge": "60.00", "paid": "10.00", "adjusted": "20.00", "difference": "30.00"}
    of_both = {**off, "lines_off": "0.00", "lines": [{**off, "control": "L7"}]}
    rows = [{**of_both, "account": account} for account in (billing.denied.control, "OTHERS-1")]
    Payment.objects.filter(pk=billing.parked.pk).update(unbalanced=rows, unbalanced_claims=2)
    assert billing.remittance.pk in found(api, f"{DOCUMENTS}?kind=835&direction=received&region=north")
    payments = api.get(f"{DOCUMENTS}{billing.remittance.pk}/").json()["payments"]
    parked = next(each for each in payments if each["id"] == billing.parked.pk)
    assert (parked["state"], parked["unbalanced_claims"], parked["difference"]) == ("parked", 2, "-15.00")
    ours, others = parked["unbalanced"]
    assert (ours["claim"], ours["account"], ours["difference"]) == (billing.denied.pk, billing.denied.control, "30.00")
    assert (others["claim"], others["account"]) == (None, "")
    assert [line["control"] for each in (ours, others) for line in each["lines"]] == ["L7", ""]


def test_no_answer_names_a_person_whatever_the_owners_role(caller: Caller, billing: Billing) -> None:
    for role in ("operator", "finance", "viewer"):
        api = caller(role)
        for address in (CLAIMS, BATCHES, *(f"{CLAIMS}{claim.pk}/" for claim in Claim.objects.all())):
            text = api.get(address).content.decode()
            assert not [secret for secret in SECRETS if secret in text], address
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


def test_another_regions_batches_and_claims_are_not_there(caller: Caller, billing: Billing, others: Billing) -> None:
    api = caller()
    for address in (f"{CLAIMS}{others.paid.pk}/", f"{BATCHES}{others.batch.pk}/"):
        assert api.get(address).status_code == 404
    for address in (f"{CLAIMS}?region=south", f"{BATCHES}?region=south"):
        assert api.get(address).status_code == 404
    assert found(api, f"{CLAIMS}?batch={others.batch.pk}") == []
    assert found(api, f"{CLAIMS}?control={others.paid.control}") == []
    assert set(found(api, BATCHES)) == set(Batch.objects.filter(region=billing.region).values_list("pk", flat=True))


def test_an_answer_asks_a_bounded_number_of_questions(
    api: TokenClient, billing: Billing, django_assert_max_num_queries: Any
) -> None:
    for number in range(100, 150):
        make_claim(billing.region, number)
    for address in (CLAIMS, f"{CLAIMS}?state=draft", f"{CLAIMS}{billing.paid.pk}/", f"{BATCHES}{billing.batch.pk}/"):
        api.get(address)
        with django_assert_max_num_queries(14):
            api.get(address)
