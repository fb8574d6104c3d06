"""The channels of a region, opened when they are first needed, and closed together."""

import json
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.core.mail import get_connection

from backoffice.adapters.mail import has_server, send_email
from backoffice.adapters.push import Push, PushRefused
from backoffice.adapters.sending import Refused, Sent
from backoffice.adapters.sms import Sms, SmsRefused
from clinic.notices.models import Channel, Notice
from clinic.notices.texts import Letter
from clinic.patients.models import Patient
from regions.models import Region

CONTACT = {Channel.SMS: "phone", Channel.EMAIL: "email", Channel.PUSH: "push_token"}
# The longest that Twilio may keep a message before it drops it.
LONGEST_SECONDS = 4 * 3600
NOT_SET_UP = Refused(code="not_set_up", why="account", permanent=True)


class ChannelOff(Exception):
    """The region has no account for this channel, or the installation no mail server."""


class Line(Protocol):
    """What the sender needs of the channels."""

    def check(self, channel: str) -> None:
        """ChannelOff where nothing could be sent."""

    def send(self, notice: Notice, letter: Letter, valid_until: datetime, now: datetime) -> Sent:
        """Hand it over, once."""

    def sms(self) -> Sms:
        """To ask what became of a message; ChannelOff, SmsRefused."""


class Channels:
    """The region's own accounts; a context manager."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self._values = region.env_vars
        self._sms: Sms | None = None
        self._push: Push | None = None

    def __enter__(self) -> "Channels":
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._sms, self._push):
            if one is not None:
                one.close()

    def check(self, channel: str) -> None:
        needed = {
            Channel.SMS: ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
            Channel.PUSH: ("FCM_KEY",),
        }
        if not all(self._values.get(key) for key in needed.get(Channel(channel), ())):
            raise ChannelOff
        if channel == Channel.EMAIL and not has_server():
            raise ChannelOff

    def send(self, notice: Notice, letter: Letter, valid_until: datetime, now: datetime) -> Sent:
        """Refused for the account where its settings are none."""
        to = str(notice.to)
        try:
            if notice.channel == Channel.SMS:
                seconds = max(1, int((valid_until - now).total_seconds()))
                return self.sms().send_sms(to, letter.body, callback_url=callback_of(notice), valid_seconds=seconds)
            if notice.channel == Channel.PUSH:
                return self._pusher().send_push(to, letter.subject, letter.body)
        except (SmsRefused, PushRefused):
            return NOT_SET_UP
        sender = self._values.get("MAIL_FROM") or settings.DEFAULT_FROM_EMAIL
        backend = get_connection(timeout=int(settings.NOTICE_TIMEOUT_SECONDS) or 1)
        return send_email(to, letter.subject, letter.body, sender=sender, connection=backend)

    def sms(self) -> Sms:
        if self._sms is None:
            self.check(Channel.SMS)
            sid, token = self._values["TWILIO_ACCOUNT_SID"], self._values["TWILIO_AUTH_TOKEN"]
            self._sms = Sms(
                sid, token, self._values["TWILIO_FROM"], timeout=settings.NOTICE_TIMEOUT_SECONDS,
                base_url=settings.TWILIO_URL, connections=1,
            )  # fmt: skip
        return self._sms

    def _pusher(self) -> Push:
        if self._push is None:
            try:
                key = json.loads(self._values["FCM_KEY"])
            except ValueError:
                raise PushRefused("FCM_KEY is not the JSON of a key file.") from None
            self._push = Push(
                key, timeout=settings.NOTICE_TIMEOUT_SECONDS, base_url=settings.FCM_URL, connections=1
            )  # fmt: skip
        return self._push


def contact_of(patient: Patient, channel: str) -> str:
    """Where a message of this channel goes; empty where the patient has none. SecretUnreadable."""
    return str(getattr(patient, CONTACT[Channel(channel)]))


def callback_of(notice: Notice) -> str:
    """Where Twilio tells what became of it; empty where nobody could reach us."""
    if not settings.PUBLIC_URL:
        return ""
    return f"{settings.PUBLIC_URL}/api/v1/notices/twilio/status/?region={notice.region.name}&notice={notice.row_id}"
