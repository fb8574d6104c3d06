"""Text messages by the sandbox Twilio, over a real socket (contract S3-06, S3-22, X-16)."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown
from backoffice.adapters.sms import Found, Sms, SmsRefused, SmsUnavailable, signature_is_valid
from backoffice.adapters.sms_codes import meaning
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import ACCOUNT, FROM, SERVICE, Twilio
from tests.outside.conftest import Webhook, order
from tests.processes import until

TOKEN = "a-token-of-this-test"
TO, TEXT = "+14155550123", "See you at 9:00 on Monday. Reply STOP to end."
Peer = HttpPeer[Twilio]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with HttpPeer(Twilio(token=TOKEN)) as served:
        yield served


@pytest.fixture
def sms(peer: Peer) -> Iterator[Sms]:
    with closing(Sms(ACCOUNT, TOKEN, FROM, base_url=peer.url, timeout=2)) as account:
        yield account


def settle(vendor: Twilio) -> None:
    """Wait until nothing is in the queue any more."""
    until(lambda: all(one.status not in ("queued", "accepted", "sent") for one in vendor.messages.all()), within=5.0)


def begun() -> datetime:
    return datetime.now(UTC)


def sent(sms: Sms, to: str = TO, text: str = TEXT, **more: Any) -> Accepted:
    answer = sms.send_sms(to, text, **more)
    assert isinstance(answer, Accepted), answer
    return answer


def test_a_message_is_accepted_delivered_and_told_of_by_signed_webhooks(peer: Peer, sms: Sms, webhook: Webhook) -> None:
    answer = sent(sms, callback_url=webhook.url)
    assert (answer.id[:2], len(answer.id), answer.status) == ("SM", 34, "queued")
    forms = webhook.forms(2)
    assert [form["MessageStatus"] for form in forms] == ["sent", "delivered"]
    assert {(form["MessageSid"], form["To"], form["AccountSid"]) for form in forms} == {(answer.id, TO, ACCOUNT)}
    for form, headers in webhook.told:
        assert signature_is_valid(webhook.url, form, headers["X-Twilio-Signature"], TOKEN)
        assert not signature_is_valid(
            webhook.url, {**form, "MessageStatus": "failed"}, headers["X-Twilio-Signature"], TOKEN
        )
    settle(peer.vendor)
    assert sms.read(answer.id) == Found(sid=answer.id, status="delivered")
    assert sms.read("SM" + "0" * 32) is None


def test_a_messaging_service_sends_as_well(peer: Peer, webhook: Webhook) -> None:
    with closing(Sms(ACCOUNT, TOKEN, SERVICE, base_url=peer.url, timeout=2)) as sms:
        assert sent(sms, callback_url=webhook.url).status == "accepted"
    assert {form["MessagingServiceSid"] for form in webhook.forms(2)} == {SERVICE}


@pytest.mark.parametrize(
    ("to", "text", "code", "why"),
    [
        ("+15005550001", TEXT, "21211", "address"),
        ("4155550123", TEXT, "21211", "address"),
        ("", TEXT, "21604", "address"),
        ("+15005550002", TEXT, "21612", "address"),
        ("+15005550003", TEXT, "21408", "account"),
        ("+15005550004", TEXT, "21610", "opted_out"),
        ("+15005550009", TEXT, "21614", "address"),
        (TO, "", "21602", "message"),
        (TO, "x" * 1601, "21617", "message"),
    ],
)
def test_a_refusal_says_whom_it_concerns_and_is_for_good(sms: Sms, to: str, text: str, code: str, why: Any) -> None:
    assert sms.send_sms(to, text) == Refused(code=code, why=why, permanent=True)


@pytest.mark.parametrize(
    ("sender", "code", "permanent"),
    [
        ("+15005550001", "21212", True),
        ("+15005550007", "21606", True),
        ("+15005550008", "21611", False),
        ("MG" + "0" * 32, "21705", True),
    ],
)
def test_a_sender_that_cannot_send_is_a_matter_of_the_account(
    peer: Peer, sender: str, code: str, permanent: bool
) -> None:
    with closing(Sms(ACCOUNT, TOKEN, sender, base_url=peer.url, timeout=2)) as sms:
        answer = sms.send_sms(TO, TEXT)
    assert answer == Refused(code=code, why="account" if permanent else "busy", permanent=permanent)


def test_a_wrong_token_is_a_matter_of_the_account(peer: Peer) -> None:
    with closing(Sms(ACCOUNT, "another", FROM, base_url=peer.url, timeout=2)) as sms:
        assert sms.send_sms(TO, TEXT) == Refused(code="20003", why="account", permanent=True)
        with pytest.raises(SmsRefused, match="refuses the account's SID or token"):
            sms.find(TO, TEXT, begun())


def test_too_many_requests_may_be_sent_again_when_twilio_says(peer: Peer, sms: Sms) -> None:
    order(peer, next={"http429": 1})
    assert sms.send_sms(TO, TEXT) == Refused(code="20429", why="busy", permanent=False, retry_after=1.0)
    sent(sms)
    assert order(peer)["messages"] == 1


def test_no_connection_means_not_sent() -> None:
    with HttpPeer(Twilio(token=TOKEN)) as gone:
        pass
    with closing(Sms(ACCOUNT, TOKEN, FROM, base_url=gone.url, timeout=2)) as sms:
        assert sms.send_sms(TO, TEXT) == Refused(code="connection", why="busy", permanent=False)
        with pytest.raises(SmsUnavailable, match="connection"):
            sms.find(TO, TEXT, begun())


@pytest.mark.parametrize(
    ("fault", "code", "there"),
    [
        ("drop", "unanswered", False),
        ("drop_after", "unanswered", True),
        ("slow_after", "unanswered", True),
        ("http500", "http_500", False),
        ("http503", "http_503", False),
        ("garbage", "unreadable_answer", False),
    ],
)
def test_a_send_without_an_answer_is_unknown_and_settled_by_a_look_up(
    peer: Peer, fault: str, code: str, there: bool
) -> None:
    since = begun()
    with closing(Sms(ACCOUNT, TOKEN, FROM, base_url=peer.url, timeout=0.3)) as sms:
        order(peer, next={fault: 1}, slow_seconds=1)
        assert sms.send_sms(TO, TEXT) == Unknown(code=code)
        settle(peer.vendor)
        found = sms.find(TO, TEXT, since)
        assert (found is not None) == there
        assert sms.find(TO, "another text", since) is None
        assert sms.find("+14155550124", TEXT, since) is None
        assert sms.find(TO, TEXT, since + timedelta(seconds=5)) is None


def test_a_look_up_pages_through_the_day_and_asks_for_nobodys_number(
    peer: Peer, sms: Sms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backoffice.adapters.sms.PAGE", 2)
    since = begun()
    first = sent(sms)
    for number in range(2):
        sent(sms, to=f"+1415555013{number}")
    settle(peer.vendor)
    assert sms.find(TO, TEXT, since) == Found(sid=first.id, status="delivered")
    assert order(peer)["calls"] == {"send": 3, "list": 2}


def test_what_is_still_in_the_queue_is_not_found_yet(peer: Peer, sms: Sms) -> None:
    order(peer, hold=True)
    since = begun()
    answer = sent(sms)
    assert sms.find(TO, TEXT, since) is None
    assert sms.read(answer.id) == Found(sid=answer.id, status="queued")


@pytest.mark.parametrize(
    ("code", "status", "why"),
    [(30003, "undelivered", "other"), (30005, "undelivered", "address"), (30036, "failed", "busy")],
)
def test_a_message_may_fail_after_it_was_accepted(
    peer: Peer, sms: Sms, webhook: Webhook, code: int, status: str, why: str
) -> None:
    order(peer, outcomes={TO: code})
    sent(sms, callback_url=webhook.url)
    last = webhook.forms(1 if status == "failed" else 2)[-1]
    assert (last["MessageStatus"], last["ErrorCode"]) == (status, str(code))
    assert meaning(code)[0] == why


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (201, '{"sid": "SM1", "status": "failed", "error_code": 30005}',
         Refused(code="30005", why="address", permanent=True)),
        (201, "{}", Unknown(code="unreadable_answer")),
        (400, '{"code": 29999}', Refused(code="29999", why="other", permanent=True)),
        (404, "<html>", Refused(code="http_404", why="account", permanent=True)),
        (429, "<html>", Refused(code="http_429", why="busy", permanent=False)),
    ],
)  # fmt: skip
def test_answers_that_are_not_in_the_book(httpserver: HTTPServer, status: int, body: str, expected: Sent) -> None:
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    httpserver.expect_request(path).respond_with_data(body, status=status)
    with closing(Sms(ACCOUNT, TOKEN, FROM, base_url=httpserver.url_for(""), timeout=2)) as sms:
        assert sms.send_sms(TO, TEXT) == expected


@pytest.mark.parametrize(("hour", "delivered"), [(7, False), (8, True), (20, True), (21, False)])
def test_at_night_where_the_person_is_a_message_fails_with_30610(hour: int, delivered: bool) -> None:
    """Contract X-16."""
    now = datetime(2026, 2, 1, hour, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
    vendor = Twilio(token=TOKEN, quiet_zone="America/Los_Angeles", now=lambda: now.astimezone(UTC))
    with HttpPeer(vendor) as served, closing(Sms(ACCOUNT, TOKEN, FROM, base_url=served.url, timeout=2)) as sms:
        answer = sent(sms)
        settle(vendor)
        assert sms.read(answer.id) == Found(
            sid=answer.id, status="delivered" if delivered else "failed", error=0 if delivered else 30610
        )
    assert meaning(30610) == ("quiet", False)


def test_stop_ends_messages_until_start_and_the_webhook_hears_both(peer: Peer, sms: Sms, webhook: Webhook) -> None:
    order(peer, incoming={"from": TO, "body": " stop ", "webhook": webhook.url})
    assert sms.send_sms(TO, TEXT) == Refused(code="21610", why="opted_out", permanent=True)
    order(peer, incoming={"from": TO, "body": "Start"})
    sent(sms)
    forms = webhook.forms(2)
    assert [(form["From"], form["To"], form["Body"]) for form in forms] == [(TO, FROM, " stop "), (TO, FROM, "Start")]
    assert all(signature_is_valid(webhook.url, form, head["X-Twilio-Signature"], TOKEN) for form, head in webhook.told)


def test_the_signature_is_the_one_that_twilio_documents() -> None:
    """The example of "Security: Validating Requests"."""
    url, header = "https://mycompany.com/myapp.php?foo=1&bar=2", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    form = {"CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "Digits": "1234", "From": "+12349013030"}
    form["To"] = "+18005551212"
    assert signature_is_valid(url, form, header, "12345")
    assert signature_is_valid(url, {name: [value] for name, value in form.items()}, header, "12345")
    assert signature_is_valid(url.replace(".com/", ".com:443/"), form, header, "12345")
    assert not signature_is_valid(url.replace(".com/", ".com:8443/"), form, header, "12345")
    assert not signature_is_valid(url, form, header, "12346")
    assert not signature_is_valid(url, form, "ü", "12345")


def test_without_a_token_no_signature_is_right() -> None:
    assert not signature_is_valid("https://here/", {}, "thdQ1Wvn4+nUMVqtEPKUDfYO+0E=", "")


@pytest.mark.parametrize("url", ["http://api.example.org", "api.twilio.com", "https://user:pass@api.twilio.com"])
def test_an_address_that_others_can_listen_to_is_refused(url: str) -> None:
    with pytest.raises(SmsRefused, match="not an https URL"):
        Sms(ACCOUNT, TOKEN, FROM, base_url=url)


@pytest.mark.parametrize(
    "page", ["[]", '{"messages": 1}', '{"messages": [{"to": 1}], "next_page_uri": "https://elsewhere.example/"}', "x"]
)
def test_a_list_that_cannot_be_read_proves_nothing(httpserver: HTTPServer, page: str) -> None:
    httpserver.expect_request(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json").respond_with_data(page)
    with (
        closing(Sms(ACCOUNT, TOKEN, FROM, base_url=httpserver.url_for(""), timeout=2)) as sms,
        pytest.raises(SmsUnavailable, match="unreadable_answer"),
    ):
        sms.find(TO, TEXT, begun())


def test_the_sandbox_answers_errors_as_twilio_does(peer: Peer) -> None:
    url = f"{peer.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    answer = httpx2.post(url, data={"To": TO, "From": FROM}, auth=(ACCOUNT, TOKEN), trust_env=False)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "code": 21602,
            "message": "Message body is required.",
            "more_info": "https://www.twilio.com/docs/errors/21602",
            "status": 400,
        },
    )
    with httpx2.Client(auth=(ACCOUNT, TOKEN), trust_env=False) as http:
        form = {"To": TO, "From": FROM, "Body": "x", "StatusCallback": "x"}
        answers = [
            http.post(url, data=form, auth=("", "")),
            http.get(f"{peer.url}/2010-04-01/Accounts.json"),
            http.get(f"{url}?DateSent=x"),
            http.delete(url),
            http.post(url, data=form),
        ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [
        (401, 20003), (404, 20404), (404, 20404), (405, 20004), (400, 21609),
    ]  # fmt: skip
