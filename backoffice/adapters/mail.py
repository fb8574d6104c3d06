"""E-mail by whichever of Django's mail backends is set: one message to one person, sent once.

Sources: RFC 5321 (4xx may pass, 5xx is for good; a message is the server's once it has answered the text), RFC 3463
(the second part of an enhanced code says what is wrong). Of a server's words only the codes are kept: the rest may name
the person.
"""

import re
import smtplib
from email.utils import make_msgid
from typing import Any, Final

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from backoffice.adapters.reach import may_reach
from backoffice.adapters.sending import Accepted, Refused, Sent, Unknown, Why

ENHANCED: Final = re.compile(rb"[245]\.(\d{1,3})\.\d{1,3}\b")
POLICY: Final = b"7"  # the middle of 5.7.1


def has_server() -> bool:
    """False without EMAIL_URL: Django's mail then goes to the log, where no patient's may."""
    return bool(settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend")


class Smtp(EmailBackend):
    """Django's own, which connects only where ONLY_HOSTS lets it."""

    def open(self) -> bool | None:
        if not may_reach(self.host):
            raise ConnectionRefusedError
        return super().open()


def send_email(
    to: str,
    subject: str,
    body: str,
    *,
    sender: str,
    html: str = "",
    timeout: float = 30.0,
    connection: BaseEmailBackend | None = None,
) -> Sent:
    """Send plain text, with `html` beside it where there is one; Accepted.id is the Message-ID.

    `connection` is Django's own where none is given; `timeout` holds for each of SMTP's answers. It is sent once: a
    Refused that is not permanent may be sent again; an Unknown broke off after the server may have had the whole text.
    """
    backend = connection or get_connection(timeout=timeout)
    name = make_msgid(domain=sender.rpartition("@")[2].strip("> ") or "localhost")
    message = EmailMultiAlternatives(subject, body, sender, [to], headers={"Message-ID": name}, connection=backend)
    if html:
        message.attach_alternative(html, "text/html")
    try:
        message.message()
    except (BadHeaderError, ValueError):
        return Refused(code="unsendable", why="message", permanent=True)
    try:
        opened = _open(backend)
        return opened or _sent(backend, message, name)
    finally:
        _close(backend)


def _open(backend: BaseEmailBackend) -> Refused | None:
    """Connect and log in; why it did not work."""
    try:
        backend.open()
    except smtplib.SMTPResponseException as error:
        permanent = error.smtp_code >= 500
        return Refused(code=_code(error), why="account" if permanent else "busy", permanent=permanent)
    except (smtplib.SMTPException, OSError):
        return Refused(code="connection", why="busy", permanent=False)
    return None


def _sent(backend: BaseEmailBackend, message: EmailMultiAlternatives, name: str) -> Sent:
    progress = _Progress(getattr(backend, "connection", None))
    try:
        backend.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return _refused(code, text, why="address")
    except smtplib.SMTPSenderRefused as error:
        return _refused(error.smtp_code, error.smtp_error, why="account")
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code, error.smtp_error, why="message")
    except (smtplib.SMTPNotSupportedError, BadHeaderError, ValueError):
        return Refused(code="unsendable", why="address", permanent=True)
    except (smtplib.SMTPException, OSError) as error:
        return _broken_off(error, begun=progress.begun)
    return Accepted(id=name)


def _broken_off(error: Exception, *, begun: bool) -> Refused | Unknown:
    """A connection that is gone, or what a backend that is not SMTP raises: Anymail's have the HTTP status."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:
        busy = status == 429
        return Refused(code=f"http_{status}", why="busy" if busy else "other", permanent=not busy)
    return Unknown(code="unanswered") if begun else Refused(code="connection", why="busy", permanent=False)


def _refused(code: int, text: bytes | str, *, why: Why) -> Refused:
    if code < 500:
        return Refused(code=str(code), why="busy", permanent=False)
    raw = text if isinstance(text, bytes) else text.encode()
    enhanced = ENHANCED.search(raw)
    if enhanced and enhanced[1] == POLICY and why == "address":
        why = "other"  # the address may be right: relaying or filtering is what is refused
    return Refused(code=f"{code} {enhanced[0].decode()}" if enhanced else str(code), why=why, permanent=True)


def _code(error: smtplib.SMTPResponseException) -> str:
    return str(error.smtp_code)


def _close(backend: BaseEmailBackend) -> None:
    try:
        backend.close()
    except (smtplib.SMTPException, OSError):
        return  # what became of the message is known already


class _Progress:
    """Whether the text has begun to be sent. Of a backend that is not SMTP it is not known, so it may have."""

    def __init__(self, smtp: Any) -> None:
        self.begun = not isinstance(smtp, smtplib.SMTP)
        if isinstance(smtp, smtplib.SMTP):
            send = smtp.data

            def watched(msg: Any) -> tuple[int, bytes]:
                self.begun = True
                return send(msg)

            smtp.data = watched  # type: ignore[method-assign]
