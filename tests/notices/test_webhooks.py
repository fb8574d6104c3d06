"""What Twilio tells: receipts and STOP, signed; and who else may not (contract S3-22)."""

from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.twilio import ACCOUNT, FROM, Twilio
from backoffice.sandbox.twilio.courier import signature_of
from clinic.notices import opting
from clinic.notices.models import Notice, OptOut
from regions.sync.models import UndeliverablePhone
from tests.booking.world import Clinic
from tests.notices.conftest import PUBLIC, TOKEN, make_region
from tests.notices.world import booked, ledger, sent

SID = "SM" + "ab" * 16
STATUS, INBOUND = "/api/v1/notices/twilio/status/?region=west", "/api/v1/notices/twilio/inbound/?region=west"
PERSON = "+13125550100"


@pytest.fixture(autouse=True)
def public(settings: Any, twilio: HttpPeer[Twilio]) -> None:
    """Twilio knows us by this address."""
    settings.PUBLIC_URL = PUBLIC


def tell(path: str, token: str = TOKEN, signed: str = "", **fields: str) -> Any:
    """A webhook of the account, signed with the token; `signed`: for another address."""
    form = {"AccountSid": ACCOUNT, "MessageSid": SID, "SmsSid": SID, "ApiVersion": "2010-04-01", **fields}
    header = signature_of(PUBLIC + (signed or path), form, token)
    return APIClient().post(
        path, urlencode(form), content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": header},
    )  # fmt: skip


def receipt(notice: Notice, status: str, **fields: str) -> int:
    sid = Notice.objects.get(pk=notice.pk).vendor_id or SID
    path = f"{STATUS}&notice={notice.row_id}"
    return int(tell(path, MessageStatus=status, **{"MessageSid": sid, **fields}).status_code)


@pytest.fixture
def notice(clinic: Clinic) -> Notice:
    """A text message that Twilio has taken."""
    booked(clinic, "2026-03-05 14:00")
    sent(clinic)
    return Notice.objects.get(channel="sms")


def state(notice: Notice) -> tuple[str, str, str]:
    notice.refresh_from_db()
    return notice.state, notice.reason, notice.code


def test_receipts_come_in_any_order_and_the_last_word_stays(notice: Notice) -> None:
    assert receipt(notice, "delivered") == 204
    for status in ("sent", "queued", "failed", "delivered"):
        receipt(notice, status)
    assert state(notice) == ("delivered", "receipt", "")


def test_a_number_that_bounces_opens_a_row_for_the_phones(notice: Notice) -> None:
    receipt(notice, "undelivered", ErrorCode="30005")
    assert state(notice) == ("failed", "address", "30005")
    assert UndeliverablePhone.objects.get().reason == "no_such_number"


def test_a_receipt_settles_what_was_not_answered(notice: Notice) -> None:
    Notice.objects.filter(pk=notice.pk).update(state="maybe_sent", vendor_id="")
    receipt(notice, "delivered")
    assert state(notice)[0] == "delivered"
    notice.refresh_from_db()
    assert notice.vendor_id == SID


def test_a_receipt_of_another_message_changes_nothing(notice: Notice) -> None:
    assert receipt(notice, "failed", MessageSid=SID) == 204
    assert state(notice)[0] == "sent"


def test_stop_opts_out_and_start_opts_in(clinic: Clinic) -> None:
    answer = tell(INBOUND, From=PERSON, To=FROM, Body="STOP")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    assert answer.content.endswith(b"<Response/>")
    assert opting.is_stopped(clinic.region, PERSON)
    tell(INBOUND, From=PERSON, To=FROM, Body="please go on", OptOutType="START", MessageSid="SM" + "cd" * 16)
    assert not opting.is_stopped(clinic.region, PERSON)


def test_stop_holds_in_its_region_alone(clinic: Clinic) -> None:
    other = make_region("east")
    tell(INBOUND, From=PERSON, Body="stop")
    assert not opting.is_stopped(other, PERSON)


@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_outsiders(path: str, clinic: Clinic) -> None:
    fields = {"From": PERSON, "Body": "STOP", "MessageStatus": "sent"}
    make_region("bare", env_vars={})
    bad = [
        tell(path, token="another", **fields),
        tell(path, token="", **fields),
        tell(path, signed=path.replace("west", "east"), **fields),
        tell(path.replace("west", "nowhere"), **fields),
        tell(path.replace("west", "bare"), token="", **fields),
        tell(path, AccountSid="AC" + "0" * 32, **fields),
        APIClient().post(path, fields, format="json"),
        APIClient().post(path),
    ]
    assert [answer.status_code for answer in bad] == [401] * len(bad)
    assert APIClient().get(path).status_code == 405
    assert not OptOut.objects.exists()


def test_without_a_public_address_nothing_is_signed(clinic: Clinic, settings: Any) -> None:
    settings.PUBLIC_URL = ""
    assert tell(INBOUND, From=PERSON, Body="STOP").status_code == 401


def test_what_cannot_be_read_is_400(clinic: Clinic) -> None:
    assert tell(INBOUND, From="somebody", Body="STOP").status_code == 400
    assert tell(STATUS, MessageStatus="lost").status_code == 400


def test_the_callback_that_twilio_is_given_is_the_rows_own(notice: Notice, twilio: HttpPeer[Twilio]) -> None:
    (message,) = twilio.vendor.messages.all()
    assert message.callback == f"{PUBLIC}/api/v1/notices/twilio/status/?region=west&notice={notice.row_id}"
    assert ledger(notice.appointment)  # type: ignore[arg-type]
