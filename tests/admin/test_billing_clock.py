"""The no-acknowledgement clock: what was sent and not answered in time, with dollars and lists."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Batch, BatchSet, Claim
from tests.admin.billing_world import Billing, make_batch, make_claim
from tests.admin.conftest import SignIn, World, text_of

CLOCK, CLAIMS, BATCHES = "/admin/billing/claim/clock/", "/admin/billing/claim/", "/admin/billing/batch/"


def sent(world: World, control: int, *, hours: float, state: str = "uploaded", **fields: Any) -> Claim:
    """A claim of a batch that was uploaded so long ago."""
    at = timezone.now() - timedelta(hours=hours)
    batch = make_batch(world.region, control, uploaded_at=at, **fields)
    return make_claim(world.region, control, state=state, batch_set=BatchSet.objects.get(batch=batch))


def late(client: Client) -> dict[str, int]:
    return {clock.name: clock.number for clock in client.get(CLOCK).context["late"]}


def test_where_all_is_answered_or_has_time_the_page_says_so(sign_in: SignIn, north: World) -> None:
    sent(north, 1, hours=1.9)
    sent(north, 2, hours=23, acknowledged_at=timezone.now(), state="received")
    sent(north, 3, hours=29 * 24, acknowledged_at=timezone.now(), state="pending")
    for number, state in enumerate(("paid", "denied", "rejected by payer", "file failed"), 10):
        sent(north, number, hours=9_999, acknowledged_at=timezone.now(), state=state)
    assert set(late(sign_in("viewer")).values()) == {0}
    assert "Everything that was sent is answered" in text_of(sign_in("viewer"), CLOCK)


def test_where_nothing_waits_the_dashboard_says_so(sign_in: SignIn, north: World) -> None:
    assert "no claim waits for anybody" in text_of(sign_in("viewer"), "/admin/")


def test_each_clock_runs_out_at_its_time_and_leads_to_as_many_rows(sign_in: SignIn, north: World) -> None:
    no_999 = sent(north, 1, hours=2.1)
    unconfirmed = sent(north, 2, hours=3, state="batched")
    Batch.objects.filter(control=2).update(state="unconfirmed")
    no_277 = sent(north, 3, hours=25, acknowledged_at=timezone.now(), state="received")
    no_835 = sent(north, 4, hours=31 * 24, acknowledged_at=timezone.now(), state="accepted by payer")
    client = sign_in("viewer")
    assert late(client) == {"upload": 0, "999": 2, "277CA": 1, "835": 1}
    page = text_of(client, CLOCK)
    assert "$720.00" in page  # of two batches
    assert "$120.00" in page
    listed = client.get(f"{BATCHES}?late=999").context["rows"]
    assert {each["row"].control for each in listed} == {1, 2}
    for name, claim in (("277CA", no_277), ("835", no_835)):
        assert f"{CLAIMS}?late={name}" in page
        assert [each["row"] for each in client.get(f"{CLAIMS}?late={name}").context["rows"]] == [claim]
    assert no_999.pk != unconfirmed.pk
    front = text_of(client, "/admin/")
    assert "No 999 within 2 hours" in front
    assert f"{CLAIMS}?late=835" in front


def test_a_batch_that_nobody_sends_waits_on_the_dashboard_with_its_dollars(sign_in: SignIn, north: World) -> None:
    for number, state in enumerate(("batched", "uploading", "uploaded"), 1):
        batch = make_batch(north.region, number)
        Batch.objects.filter(pk=batch.pk).update(state=state, created_at=timezone.now() - timedelta(hours=1.1))
    client = sign_in("viewer")
    assert late(client)["upload"] == 2
    assert "2 batches</a>" in text_of(client, CLOCK)
    front = text_of(client, "/admin/")
    assert "No upload within 1 hour<" in front
    assert f"{BATCHES}?late=upload" in front
    assert {each["row"].control for each in client.get(f"{BATCHES}?late=upload").context["rows"]} == {1, 2}


def test_a_region_has_its_own_times(sign_in: SignIn, north: World) -> None:
    sent(north, 1, hours=3)
    north.region.clearinghouse = {"hours_to_999": 4}
    north.region.save()
    assert late(sign_in("viewer"))["999"] == 0
    assert "4 hours" in text_of(sign_in("viewer"), CLOCK)


def test_another_regions_claims_are_not_counted(sign_in: SignIn, north: World, south: World) -> None:
    sent(south, 1, hours=9_999)
    client = sign_in("operator")
    assert set(late(client).values()) == {0}
    assert "South" not in text_of(client, CLOCK)
    assert "South" not in text_of(client, f"{BATCHES}?late=999")
    both = text_of(sign_in("operator", regions=[north.region, south.region]), CLOCK)
    assert f"{BATCHES}?late=999&amp;region=south" in both


def test_the_clock_is_for_who_may_see(sign_in: SignIn, client: Client) -> None:
    assert client.get(CLOCK)["Location"].startswith("/admin/login/")
    assert sign_in(None).get(CLOCK).status_code == 403


def test_the_dashboard_says_what_waits_in_billing_with_dollars(sign_in: SignIn, billing: Billing) -> None:
    page = text_of(sign_in("viewer"), "/admin/")
    for words in ("1 service</a>", "$44.00", "$80.50", "1 answer</a>", "$55.00", "1 payment</a>", "$100.00"):
        assert words in page, words


@pytest.mark.parametrize("query", ["late=never", "late=999"])
def test_a_clock_that_there_is_not_matches_nothing(sign_in: SignIn, billing: Billing, query: str) -> None:
    assert client_rows(sign_in("viewer"), query) == 0


def client_rows(client: Client, query: str) -> int:
    return len(client.get(f"{CLAIMS}?{query}").context["rows"])
