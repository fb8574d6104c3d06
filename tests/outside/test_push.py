"""Push messages by the sandbox FCM, over a real socket (contract S3-22)."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest

from backoffice.adapters.push import Push, PushRefused
from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown
from backoffice.sandbox.fcm import Fcm
from backoffice.sandbox.peer import HttpPeer
from tests.outside.conftest import order

DEVICE, TITLE, BODY = "cD9x:APA91b-a-device-of-this-test", "Monday", "See you at 9:00."
Peer = HttpPeer[Fcm]
Key = dict[str, Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Key]]:
    """One server for all tests here, since making a key takes longer than all of them."""
    with HttpPeer(Fcm()) as peer:
        path = peer.vendor.make_key_file(tmp_path_factory.mktemp("fcm") / "key.json", peer.url)
        yield peer, json.loads(path.read_bytes())


@pytest.fixture
def peer(served: tuple[Peer, Key]) -> Iterator[Peer]:
    order(served[0], clear=True, reset_counts=True)
    served[0].vendor.messages.clear()
    yield served[0]
    order(served[0], clear=True)


@pytest.fixture
def push(peer: Peer, served: tuple[Peer, Key]) -> Iterator[Push]:
    with closing(Push(served[1], base_url=peer.url, timeout=2)) as project:
        yield project


def test_a_message_is_accepted_under_its_name(peer: Peer, push: Push) -> None:
    answer = push.send_push(DEVICE, TITLE, BODY, {"appointment": "17"})
    assert isinstance(answer, Accepted)
    assert answer.id.startswith("projects/nightward-sandbox/messages/0:")
    assert peer.vendor.messages == [
        {"token": DEVICE, "notification": {"title": TITLE, "body": BODY}, "data": {"appointment": "17"}}
    ]


def test_one_token_is_enough_for_many_messages(peer: Peer, push: Push) -> None:
    for _ in range(3):
        assert isinstance(push.send_push(DEVICE, TITLE, BODY), Accepted)
    assert order(peer)["calls"] == {"send": 3, "token": 1}


def test_a_token_that_was_revoked_is_renewed_once(peer: Peer, push: Push) -> None:
    push.send_push(DEVICE, TITLE, BODY)
    order(peer, revoke=True)
    assert isinstance(push.send_push(DEVICE, TITLE, BODY), Accepted)
    assert order(peer)["calls"] == {"send": 2, "token": 2}


@pytest.mark.parametrize(
    ("device", "code"),
    [
        ("UNREGISTERED-1", "UNREGISTERED"),
        ("INVALID-1", "INVALID_ARGUMENT"),
        ("", "INVALID_ARGUMENT"),
        ("OTHER_SENDER-1", "SENDER_ID_MISMATCH"),
    ],
)
def test_a_device_that_is_gone_is_an_address_of_no_use(push: Push, device: str, code: str) -> None:
    assert push.send_push(device, TITLE, BODY) == Refused(code=code, why="address", permanent=True)


def test_an_app_that_was_removed_is_unregistered(peer: Peer, push: Push) -> None:
    order(peer, unregistered=[DEVICE])
    assert push.send_push(DEVICE, TITLE, BODY) == Refused(code="UNREGISTERED", why="address", permanent=True)
    peer.vendor.unregistered.clear()


def test_a_message_that_cannot_be_sent_is_no_fault_of_the_device(peer: Peer, push: Push) -> None:
    answers = [
        push.send_push(DEVICE, TITLE, BODY, {"google.a": "1"}),
        push.send_push(DEVICE, TITLE, "x" * 4096),
    ]
    assert answers == [
        Refused(code="INVALID_ARGUMENT", why="message", permanent=True),
        Refused(code="too_big", why="message", permanent=True),
    ]
    assert order(peer)["calls"]["send"] == 1


@pytest.mark.parametrize(
    ("fault", "expected", "taken"),
    [
        ("http429", Refused(code="http_429", why="busy", permanent=False, retry_after=1.0), 0),
        ("http503", Refused(code="http_503", why="busy", permanent=False, retry_after=1.0), 0),
        ("http500", Unknown(code="http_500"), 0),
        ("garbage", Unknown(code="unreadable_answer"), 0),
        ("drop", Unknown(code="unanswered"), 0),
        ("drop_after", Unknown(code="unanswered"), 1),
    ],
)
def test_what_was_not_answered_is_unknown_and_what_was_turned_away_may_come_again(
    peer: Peer, push: Push, fault: str, expected: Sent, taken: int
) -> None:
    order(peer, next={fault: 1})
    assert push.send_push(DEVICE, TITLE, BODY) == expected
    assert len(peer.vendor.messages) == taken


def test_a_project_of_others_is_a_matter_of_the_account(peer: Peer, served: tuple[Peer, Key]) -> None:
    with closing(Push({**served[1], "project_id": "another"}, base_url=peer.url, timeout=2)) as push:
        assert push.send_push(DEVICE, TITLE, BODY) == Refused(code="http_403", why="account", permanent=True)


def test_an_account_without_a_key_here_is_a_matter_of_the_account(peer: Peer, served: tuple[Peer, Key]) -> None:
    with closing(Push({**served[1], "client_email": "other@example.org"}, base_url=peer.url, timeout=2)) as push:
        assert push.send_push(DEVICE, TITLE, BODY) == Refused(code="token", why="account", permanent=True)


def test_no_connection_means_not_sent(served: tuple[Peer, Key]) -> None:
    with HttpPeer(Fcm()) as gone:
        pass
    for key, code in ((served[1], "connection"), ({**served[1], "token_uri": f"{gone.url}/token"}, "token_connection")):
        with closing(Push(key, base_url=gone.url, timeout=2)) as push:
            assert push.send_push(DEVICE, TITLE, BODY) == Refused(code=code, why="busy", permanent=False)


@pytest.mark.parametrize(
    ("changes", "url", "message"),
    [
        ({"private_key": "no key"}, "https://fcm.googleapis.com", "not a service account's key file"),
        ({"token_uri": "http://example.org/token"}, "https://fcm.googleapis.com", "token_uri that is not https"),
        ({}, "http://fcm.googleapis.com", "not an https URL"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_line(
    served: tuple[Peer, Key], changes: Key, url: str, message: str
) -> None:
    with pytest.raises(PushRefused, match=message) as caught:
        Push(served[1] | changes, base_url=url)
    assert "no key" not in str(caught.value)


def test_the_sandbox_answers_errors_as_fcm_does(peer: Peer, push: Push) -> None:
    push.send_push(DEVICE, TITLE, BODY)
    headers = {"Authorization": f"Bearer {push._account.token}"}
    url = f"{peer.url}/v1/projects/nightward-sandbox/messages:send"
    with httpx2.Client(trust_env=False) as http:
        answer = http.post(url, json={"message": {"token": "a", "data": {"n": 1}}}, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0] == {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [
                {
                    "field": "message.data[0].value",
                    "description": "Invalid value at 'message.data[0].value' (TYPE_STRING)",
                }
            ],
        }
        assert http.post(url, content=b"x", headers=headers).json()["error"]["status"] == "INVALID_ARGUMENT"
        assert http.post(url, json={}).json()["error"]["status"] == "UNAUTHENTICATED"
        assert http.get(url).json()["error"]["status"] == "NOT_FOUND"
