"""E-mail through Django's backends to the sandbox mail server, over a real socket (contract S3-06, S3-22)."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.core import mail
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from backoffice.adapters.mail import send_email
from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown
from backoffice.sandbox.smtp import MailServer

SMTP = "django.core.mail.backends.smtp.EmailBackend"
TO, SENDER = "maria@example.org", "Clinic <clinic@example.org>"


def busy(code: str) -> Refused:
    """Not sent, and it may be sent again."""
    return Refused(code=code, why="busy", permanent=False)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer(token="a-token") as served:
        yield served


def send(server: MailServer, to: str = TO, subject: str = "Monday", *, timeout: float = 2, **login: Any) -> Sent:
    connection = get_connection(SMTP, host="127.0.0.1", port=server.port, timeout=timeout, **login)
    return send_email(to, subject, "See you at 9:00.", sender=SENDER, connection=connection)


def test_a_message_is_accepted_under_its_message_id(server: MailServer) -> None:
    connection = get_connection(SMTP, host="127.0.0.1", port=server.port, timeout=2)
    answer = send_email(TO, "Größe", "See you.", sender=SENDER, html="<p>See you.</p>", connection=connection)
    assert isinstance(answer, Accepted)
    assert server.messages == [
        {
            "from": "clinic@example.org",
            "to": [TO],
            "subject": "Größe",
            "message_id": answer.id,
            "text": "See you.",
            "parts": ["multipart/alternative", "text/plain", "text/html"],
        }
    ]
    assert answer.id.endswith("@example.org>")
    assert TO.partition("@")[0] not in answer.id


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("bounce-1@example.org", Refused(code="550 5.1.1", why="address", permanent=True)),
        ("full-1@example.org", Refused(code="552 5.2.2", why="address", permanent=True)),
        ("later-1@example.org", busy("451")),
        ("spam@example.org", Refused(code="554 5.7.1", why="other", permanent=True)),
        ("odd@example.org", Refused(code="550", why="address", permanent=True)),
        ("nobody", Refused(code="550", why="address", permanent=True)),
    ],
)
def test_a_refused_address_is_for_good_or_not_as_its_code_says(server: MailServer, to: str, expected: Sent) -> None:
    server.control({"refusals": {"spam@": "554 5.7.1 Denied", "odd@": "550 no", "nobody": "550 what"}})
    assert send(server, to) == expected
    assert server.messages == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("mail_550", Refused(code="550 5.7.1", why="account", permanent=True)),
        ("rcpt_450", busy("450")),
        ("data_451", busy("451")),
        ("data_554", Refused(code="554 5.7.1", why="message", permanent=True)),
    ],
)
def test_a_refusal_at_another_step_concerns_sender_or_text(server: MailServer, fault: str, expected: Sent) -> None:
    server.control({"next": {fault: 1}})
    assert send(server) == expected
    assert isinstance(send(server), Accepted)


@pytest.mark.parametrize(("fault", "kept"), [("drop", 0), ("drop_after", 1), ("slow_after", 1)])
def test_what_breaks_off_after_data_is_unknown(server: MailServer, fault: str, kept: int) -> None:
    server.control({"next": {fault: 1}, "slow_seconds": 1})
    assert send(server, timeout=0.3) == Unknown(code="unanswered")
    assert len(server.messages) == kept


def test_what_breaks_off_before_data_was_not_sent() -> None:
    with MailServer() as gone:
        pass
    assert send(gone) == busy("connection")


def hung_up_at(step: bytes) -> Iterator[int]:
    """A server that hangs up when a line begins with `step`; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 here\r\n")
                for line in lines:
                    if line.upper().startswith(step):
                        return
                    connection.sendall(b"250 OK\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(5)


@pytest.mark.parametrize("step", [b"EHLO", b"MAIL", b"RCPT"])
def test_a_connection_that_is_lost_at_the_envelope_may_be_tried_again(step: bytes) -> None:
    for port in hung_up_at(step):
        connection = get_connection(SMTP, host="127.0.0.1", port=port, timeout=2)
        answer = send_email(TO, "Monday", "See you.", sender=SENDER, connection=connection)
        assert answer == busy("connection")


def test_a_wrong_password_is_a_matter_of_the_account() -> None:
    with MailServer(user="clinic", password="right") as server:
        assert send(server, username="clinic", password="wrong") == Refused(code="535", why="account", permanent=True)
        assert isinstance(send(server, username="clinic", password="right"), Accepted)
        assert send(server) == Refused(code="530 5.7.0", why="account", permanent=True)


@pytest.mark.parametrize("subject", ["Monday\nBcc: everybody@example.org", "Monday\r"])
def test_a_header_cannot_be_smuggled_in(server: MailServer, subject: str) -> None:
    assert send(server, subject=subject) == Refused(code="unsendable", why="message", permanent=True)
    assert server.messages == []


def test_any_backend_of_django_will_do(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    answer = send_email(TO, "Monday", "See you.", sender=SENDER)
    assert isinstance(answer, Accepted)
    [message] = mail.outbox
    assert (message.to, message.extra_headers["Message-ID"]) == ([TO], answer.id)


class OverHttp(BaseEmailBackend):
    """Fails as Anymail's backends do: with an OSError that has the provider's HTTP status."""

    status: int | None = None

    def send_messages(self, email_messages: Any) -> int:
        error = OSError("about maria@example.org")
        if self.status:
            error.status_code = self.status  # type: ignore[attr-defined]
        raise error


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, Unknown(code="unanswered")),
        (503, Unknown(code="unanswered")),
        (429, busy("http_429")),
        (400, Refused(code="http_400", why="other", permanent=True)),
    ],
)
def test_of_a_provider_that_is_asked_by_http_the_status_decides(status: int | None, expected: Sent) -> None:
    backend = OverHttp()
    backend.status = status
    assert send_email(TO, "Monday", "See you.", sender=SENDER, connection=backend) == expected


def test_orders_come_by_control_to_who_has_the_token(server: MailServer) -> None:
    with httpx2.Client(trust_env=False) as http:
        assert http.post(server.control_url, json={}).status_code == 401
        headers = {"Authorization": "Bearer a-token"}
        send(server)
        state = http.post(server.control_url, json={"list": ["messages"]}, headers=headers).json()
        assert [message["to"] for message in state["messages"]] == [[TO]]
        assert state["calls"] == {"message": 1}
        assert http.post(server.control_url, json={"explode": 1}, headers=headers).status_code == 400
        assert http.get(server.control_url).status_code == 404
