"""Consumers, dead letters and unmatched events in the admin: who sees what, and who may replay."""

import pytest
from auditlog.models import LogEntry
from django.test import Client

from clinic.events.consumers import EventRefused
from clinic.events.failing import note_failure
from clinic.events.models import DeadLetter, Inbox, Outbox, Unmatched
from clinic.events.outbox import record
from regions.models import Region
from tests.admin.conftest import SignIn, World, said, text_of

LETTERS = "/admin/events/deadletter/"
CONSUMERS = f"{LETTERS}consumers/"
UNMATCHED = "/admin/events/unmatched/"


def dead_letter(region: Region, subject: str = "order/7") -> DeadLetter:
    number = record(region, "toy.done", subject, {"order_id": "O-7"}).number
    row = Outbox.objects.get(pk=number)
    while note_failure("checkup", row, EventRefused("no_such_order")):
        pass
    return DeadLetter.objects.get(event=row)


def unmatched(region: Region) -> Unmatched:
    event = record(region, "lis.sample.collected", "lis/O-7", {"order_id": "O-7", "inbound": 4711, "event_key": "5e7e"})
    return Unmatched.objects.create(region=region, channel="lis", event_id=event.number)


def page(row: DeadLetter | Unmatched) -> str:
    return f"{LETTERS if isinstance(row, DeadLetter) else UNMATCHED}{row.pk}/change/"


def test_a_dead_letter_is_listed_with_its_reason_and_replayed(sign_in: SignIn, north: World) -> None:
    letter = dead_letter(north.region)
    client = sign_in("operator")
    assert "no such order" in text_of(client, LETTERS)
    assert "O-7" in text_of(client, page(letter))
    assert said(client.post(page(letter), {"replay": "1"})) == "1 event given back."
    letter.refresh_from_db()
    assert (letter.state, letter.tries) == ("replayed", 0)
    assert not Inbox.objects.exists()
    assert "none is dead any more" in said(client.post(page(letter), {"replay": "1"}))
    assert LogEntry.objects.get_for_object(letter).get().changes == {"state": ["dead", "replayed"]}
    assert "toy.done" not in text_of(client, LETTERS)
    assert "toy.done" in text_of(client, f"{LETTERS}?state=replayed")


def test_where_none_is_dead_those_tried_again_are_said(sign_in: SignIn, north: World) -> None:
    DeadLetter.objects.filter(pk=dead_letter(north.region).pk).update(state="retrying")
    text = text_of(sign_in("operator"), LETTERS)
    assert "No event is dead" in text
    assert '<a href="?state=retrying">1 event tried again</a>' in text


def test_several_are_chosen_in_the_list(sign_in: SignIn, north: World) -> None:
    first, second = dead_letter(north.region), dead_letter(north.region, "order/8")
    client = sign_in("engineer")
    assert said(client.post(LETTERS, {"replay": "1", "row": [first.pk, second.pk, "x"]})) == "2 events given back."
    assert DeadLetter.objects.filter(state="replayed").count() == 2


def test_one_is_dismissed_and_can_still_be_replayed(sign_in: SignIn, north: World) -> None:
    letter = dead_letter(north.region)
    client = sign_in("operator")
    client.post(page(letter), {"dismiss": "1"})
    letter.refresh_from_db()
    assert (letter.state, Inbox.objects.get().dead) == ("dismissed", True)
    assert "1 event given back" in said(client.post(page(letter), {"replay": "1"}))


def test_the_consumers_page_shows_one_that_is_off_with_its_review(
    sign_in: SignIn, north: World, south: World, queue: object
) -> None:
    dead_letter(south.region)
    text = text_of(sign_in("viewer"), CONSUMERS)
    assert "Check-ups" in text
    assert "review by 2027-02-01" in text
    assert "consumer=checkup" not in text  # the dead letter is another region's
    assert "consumer=checkup" in text_of(sign_in("superuser"), CONSUMERS)


def test_the_consumers_page_opens_without_a_queue(
    sign_in: SignIn, north: World, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.RQ_QUEUES["default"], "URL", "unix:///nowhere.sock")  # type: ignore[attr-defined]
    assert "not known" in text_of(sign_in("viewer"), CONSUMERS)


def test_an_unmatched_event_is_asked_for_again_or_dismissed_with_a_reason(sign_in: SignIn, north: World) -> None:
    row = unmatched(north.region)
    client = sign_in("finance")
    assert "lis/O-7" in text_of(client, UNMATCHED)
    assert not any(name in text_of(client, page(row)) for name in ("inbound", "event key"))  # what leads to its message
    assert "still belongs to nothing" in said(client.post(page(row), {"match": "1"}))
    assert "This field is required" in client.post(page(row), {"dismiss": "1", "reason": ""}).content.decode()
    assert said(client.post(page(row), {"dismiss": "1", "reason": "Mr Example's test"})) == "It is dismissed."
    assert "Example" in text_of(client, page(row))
    assert "Example" not in text_of(sign_in("viewer"), page(row))
    assert LogEntry.objects.get_for_object(row).filter(changes__has_key="state").count() == 1


@pytest.mark.slow
def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    mine, theirs = dead_letter(north.region), dead_letter(south.region)
    lost, others = unmatched(north.region), unmatched(south.region)
    for address in (LETTERS, CONSUMERS, UNMATCHED, page(mine), page(lost)):
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    for address in (page(theirs), page(others)):
        assert sign_in("operator").get(address).status_code == 404
        assert sign_in("operator").post(address, {"replay": "1", "match": "1"}).status_code == 404
    for address in (LETTERS, UNMATCHED):
        assert "South" not in text_of(sign_in("operator"), address)
    sign_in("operator").post(LETTERS, {"replay": "1", "row": [theirs.pk]})
    assert DeadLetter.objects.get(pk=theirs.pk).state == "dead"
    for role in ("viewer", "finance", "auditor"):
        assert sign_in(role).post(page(mine), {"replay": "1"}).status_code == 403
        assert sign_in(role).post(LETTERS, {"replay": "1", "row": [mine.pk]}).status_code == 403
        assert "Replay</button>" not in text_of(sign_in(role), page(mine))
    for role in ("viewer", "engineer", "auditor"):
        assert sign_in(role).post(page(lost), {"match": "1"}).status_code == 403
    guarded = Client(enforce_csrf_checks=True)
    guarded.cookies = sign_in("operator").cookies
    assert guarded.post(page(mine), {"replay": "1"}).status_code == 403
