"""Events from outside: who is let in, what is kept of them, and that a message that comes again does nothing twice."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from clinic.events.inbound import matching
from clinic.events.inbound.cloudevents import told_by
from clinic.events.models import Inbound, Outbox, Unmatched
from regions.keys import webhook_secrets_problem
from regions.models import Region
from tests.events.senders import OTHER_SECRET, SECRET, cloud_event, signed, written
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db
LIS = "/api/v1/events/lis?region=north"
POS = "/api/v1/events/pos?region=north"
CLOUD = "application/cloudevents+json"


@pytest.fixture
def north(db: None) -> Region:
    secrets = {"LIS_WEBHOOK_SECRET": SECRET, "POS_WEBHOOK_SECRET": OTHER_SECRET}
    return RegionFactory.create(name="north", display_name="North", env_vars=secrets)


def send(client: Client, body: bytes, headers: dict[str, str], *, to: str = LIS, media: str = CLOUD) -> Any:
    return client.post(to, body, content_type=media, headers=headers)


def test_a_signed_event_is_stored_and_published_to_the_same_outbox(client: Client, north: Region) -> None:
    body = written(cloud_event())
    answer = send(client, body, signed(body))
    assert (answer.status_code, answer.json()) == (200, {"stored": True})
    event = Outbox.objects.get()
    assert (event.region, event.type, event.subject) == (north, "lis.sample.collected", "lis/O-7")
    told = {"appointment_id": "A-1", "order_id": "O-7", "occurred_at": "2026-11-29T09:30:00Z"}
    assert event.data == {**told, "inbound": Inbound.objects.get().pk}
    assert Unmatched.objects.get().event == event


def test_what_was_sent_is_kept_word_for_word_and_encrypted(client: Client, north: Region) -> None:
    body = written(cloud_event())
    send(client, body, signed(body))
    assert Inbound.objects.get().body == body.decode()
    assert "Example" not in str(Inbound.objects.values_list("body", flat=True).get())


def test_a_message_that_comes_again_is_200_and_does_nothing_twice(client: Client, north: Region) -> None:
    body = written(cloud_event())
    for stored in (True, False, False):
        answer = send(client, body, signed(body))
        assert (answer.status_code, answer.json()) == (200, {"stored": stored})
    other = written(cloud_event(subject="O-8"))
    answer = send(client, other, signed(other))
    message = "This webhook-id was another message's, and this one is not stored."
    assert (answer.status_code, answer.json()) == (409, {"error": {"code": "conflict", "message": message}})
    assert Outbox.objects.count() == Inbound.objects.count() == Unmatched.objects.count() == 1


def test_the_slash_at_the_end_and_plain_json_will_do(client: Client, north: Region) -> None:
    body = written(cloud_event())
    answer = send(client, body, signed(body), to="/api/v1/events/lis/?region=north", media="application/json")
    assert answer.status_code == 200


def test_each_channel_takes_its_own_types_with_its_own_secret(client: Client, north: Region) -> None:
    paid = written(cloud_event(type="pos.order.paid", data={"order_id": "O-7", "amount": "12.50", "currency": "USD"}))
    assert send(client, paid, signed(paid, SECRET), to=POS).status_code == 401
    assert send(client, paid, signed(paid, OTHER_SECRET), to=POS).status_code == 200
    data = dict(Outbox.objects.get().data)
    assert len(data.pop("event_key")) == 64
    assert data == {"order_id": "O-7", "amount": "12.50", "currency": "USD", "inbound": Inbound.objects.get().pk}
    refused = send(client, paid, signed(paid))
    assert refused.status_code == 400
    assert refused.json()["error"]["fields"] == {"type": ["Here are taken: lis.sample.*."]}


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1a," + "A" * 44},
        {"webhook-signature": "v1,\xe4\xf6"},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-id": "x" * 201},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1764410000"},
        {"webhook-timestamp": "9" * 40},
    ],
)
def test_a_signature_that_is_missing_or_wrong_is_refused(client: Client, north: Region, change: dict[str, str]) -> None:
    body = written(cloud_event())
    answer = send(client, body, {**signed(body), **change})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Webhook-Signature")
    assert not Inbound.objects.exists()


@pytest.mark.parametrize(("age", "status"), [(299, 200), (301, 401), (-299, 200), (-301, 401)])
def test_a_signature_holds_for_five_minutes(client: Client, north: Region, age: float, status: int) -> None:
    body = written(cloud_event())
    with time_machine.travel(datetime.now(UTC), tick=False):  # a slow machine does not make it older
        assert send(client, body, signed(body, age=age)).status_code == status


def test_what_was_changed_on_the_way_is_refused(client: Client, north: Region) -> None:
    headers = signed(written(cloud_event()))
    assert send(client, written(cloud_event(subject="O-8")), headers).status_code == 401


def test_secrets_are_changed_without_losing_a_message(client: Client, north: Region) -> None:
    """A sender signs with both while it changes; so does the region know both."""
    body = written(cloud_event())
    assert send(client, body, signed(body, OTHER_SECRET, SECRET)).status_code == 200
    north.env_vars = {"LIS_WEBHOOK_SECRET": f"{OTHER_SECRET} {SECRET}"}
    north.save()
    for secret in (SECRET, OTHER_SECRET):
        assert send(client, body, signed(body, secret, message=secret[-8:])).status_code == 200


def test_outsiders_learn_nothing_of_regions(client: Client, north: Region) -> None:
    RegionFactory.create(name="south")
    body = written(cloud_event())
    wrong = send(client, body, {**signed(body), "webhook-signature": "v1,AAAA"}).json()
    for address in ("", "?region=", "?region=south", "?region=nowhere"):
        answer = send(client, body, signed(body), to=f"/api/v1/events/lis{address}")
        assert (answer.status_code, answer.json()) == (401, wrong)
    assert client.get(LIS).status_code == 405
    assert client.post("/api/v1/events/xyz?region=north").status_code == 404
    assert not Outbox.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"source": None},
        {"subject": ""},
        {"subject": "x" * 129},
        {"subject": "Anna Example"},
        {"type": "lis.sample"},
        {"type": "LIS.sample.collected"},
        {"data": []},
        {"data": "text"},
        {"time": "yesterday"},
    ],
)
def test_what_is_no_cloudevent_is_said(client: Client, north: Region, change: dict[str, Any]) -> None:
    body = written(cloud_event(**change))
    answer = send(client, body, signed(body))
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == list(change)
    assert not Inbound.objects.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"a": NaN}', b'{"id": "\\u0000"}'])
def test_garbage_is_400(client: Client, north: Region, body: bytes) -> None:
    assert send(client, body, signed(body)).status_code == 400


def test_what_is_too_long_is_413_and_what_is_no_json_415(client: Client, north: Region) -> None:
    body = written(cloud_event(data={"note": "x" * 70_000}))
    assert send(client, body, signed(body)).status_code == 413
    body = written(cloud_event())
    assert send(client, body, signed(body), media="text/plain").status_code == 415


def test_names_and_sentences_do_not_pass_for_ids(client: Client, north: Region) -> None:
    data = {"order_id": "Anna Example", "accession": "x" * 65, "test_code": ["a"], "status": True, "specimen_id": 7}
    body = written(cloud_event(data=data, time="2026-11-29T10:00:00+01:00"))
    send(client, body, signed(body))
    assert Outbox.objects.get().data == {
        "specimen_id": "7", "occurred_at": "2026-11-29T09:00:00+00:00", "inbound": Inbound.objects.get().pk,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written_as", "amount"),
    [("12.5", "12.5"), ("12", "12"), ("1.005", "1.005"), ("-5", "unreadable"), ("[]", "unreadable"), ("null", None)],
)
def test_an_amount_may_be_a_number_and_is_not_left_out(written_as: str, amount: str | None) -> None:
    event = cloud_event(data={"amount": json.loads(written_as)})
    assert told_by("pos", event).data.get("amount") == amount


class TestMatching:
    @pytest.fixture(autouse=True)
    def _known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: dict[str, str] = {}
        monkeypatch.setattr(matching, "_resolvers", [])
        matching.register_resolver("lis", lambda event: self.known.get(event.data.get("appointment_id", "")))

    def test_what_belongs_to_something_says_so(self, client: Client, north: Region) -> None:
        self.known["A-1"] = "appointment/12"
        body = written(cloud_event())
        send(client, body, signed(body))
        assert Outbox.objects.get().data["matched"] == "appointment/12"
        assert not Unmatched.objects.exists()

    def test_what_belongs_to_something_later_is_told_again(self, client: Client, north: Region) -> None:
        body = written(cloud_event())
        send(client, body, signed(body))
        row = Unmatched.objects.get()
        assert not matching.match_one(row)
        self.known["A-1"] = "appointment/12"
        assert matching.match_again() == 0  # it was asked for just now
        Unmatched.objects.update(tried_at=row.tried_at - matching.ASKED_AGAIN_AFTER * 2)
        assert matching.match_again() == 1
        assert matching.match_again() == 0
        again = Outbox.objects.latest("pk")
        assert (again.sequence, again.type, again.data["matched"]) == (2, "lis.sample.collected", "appointment/12")
        assert Unmatched.objects.get().matched == "appointment/12"

    def test_a_resolver_that_fails_loses_nothing(self, client: Client, north: Region) -> None:
        matching._resolvers[:] = [("lis", lambda event: event.data["nothing"])]
        body = written(cloud_event())
        assert send(client, body, signed(body)).status_code == 200
        assert Unmatched.objects.get().state == "open"

    def test_a_dismissed_one_is_asked_for_no_more(self, client: Client, north: Region) -> None:
        body = written(cloud_event())
        send(client, body, signed(body))
        row = Unmatched.objects.get()
        assert matching.dismiss(row, UserFactory.create(), "a test message")
        self.known["A-1"] = "appointment/12"
        assert not matching.match_one(row)


@pytest.mark.parametrize(
    "value", ["secret", "whsec_", "whsec_!!!!", "whsec_AAAA", f"{SECRET}  {SECRET}", f"{SECRET} x"]
)
def test_a_region_file_with_another_kind_of_secret_is_refused(value: str) -> None:
    assert "whsec_" in str(webhook_secrets_problem(value))
    assert webhook_secrets_problem(SECRET) is None
    assert webhook_secrets_problem(f"{SECRET} {OTHER_SECRET}") is None
