"""The scan can fail: a canary in each spelling, and in each wrapping, is found, and its absence is none."""

import base64
import json
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from tests.canary import values
from tests.canary.scan import scan

SPELLINGS = [
    (f"{values.FAMILY}, {values.GIVEN}", {"family name", "given name"}),
    (f"{values.GIVEN} {values.FAMILY}".upper(), {"family name", "given name"}),
    (f"{values.FAMILY}^{values.GIVEN}", {"family name", "given name"}),
    ("QUORVAXLEY*ZYXANDRIEL", {"family name", "given name"}),
    (values.BIRTH_DATE, {"birth date"}),
    ("19371023", {"birth date"}),
    ("born 10/23/1937", {"birth date"}),
    ("23.10.1937", {"birth date"}),
    ("datetime.date(1937, 10, 23)", {"birth date"}),
    ("Oct. 23, 1937", {"birth date"}),
    (values.PHONE, {"phone"}),
    ("3125559173", {"phone"}),
    ("(312) 555-9173", {"phone"}),
    ("312.555.9173", {"phone"}),
    ("0813-5791-3579", {"phone"}),
    (values.EMAIL, {"e-mail address"}),
    (values.DEVICE, {"device of an app"}),
    (values.STREET.upper(), {"address"}),
    ("68941-7733", {"address"}),
    (values.PATIENT, {"patient id"}),
    (values.MEMBER, {"member id"}),
    (values.CLAIM_MEMBER.lower(), {"claim member id"}),
    (values.INSURANCE, {"insurance id"}),
    (values.IDENTIFIER, {"identifier of a FHIR patient"}),
    (f"/Patient/{values.FHIR_ID}/_history/1", {"id of a FHIR patient"}),
    (values.ANSWER, {"answer of a questionnaire"}),
    (values.VIDEO, {"name of a video"}),
    (values.VIDEO_NAME, {"name of a video"}),
    (values.LAB_NUMBER, {"number at a laboratory"}),
    (values.RESULT, {"result of a laboratory"}),
]


def mail(text: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = text
    message.set_content("x")
    return bytes(message)


def mail_body(text: str) -> bytes:
    message = EmailMessage()
    message.set_content(f"{'a long line ' * 9}{text}", cte="quoted-printable")
    return bytes(message)


WRAPPERS: dict[str, Callable[[str], str | bytes]] = {
    "plain": lambda text: text,
    "bytes": lambda text: text.encode(),
    "in an address": lambda text: f"/?q={quote(text)}",
    "as a form": lambda text: f"q={quote_plus(text)}",
    "in an address in an address": lambda text: f"/login/?next={quote('/?q=' + quote(text))}",
    "JSON": lambda text: json.dumps({"event": text}),
    "JSON in JSON": lambda text: json.dumps({"event": json.dumps({"x": text})}),
    "Python's bytes": lambda text: repr({"x": text.encode()}),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a longer text": lambda text: base64.urlsafe_b64encode(f"name: {text} and more".encode()).decode(),
    "base64 after letters": lambda text: f"token=ab{base64.b64encode(b'xyz' + text.encode()).decode()}",
    "base64 in JSON, in an address": lambda text: quote(json.dumps({"x": base64.b64encode(text.encode()).decode()})),
    "hexadecimal": lambda text: text.encode().hex(),
    "HTML": lambda text: f"<p>{escape(text)}</p>",
    "HTML by numbers": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "zlib, as RQ keeps arguments": lambda text: zlib.compress(repr({"args": text}).encode()),
    "the head of a mail": mail,
    "the body of a mail": mail_body,
}  # fmt: skip


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(("text", "names"), SPELLINGS)
def test_a_canary_is_found_however_it_is_spelled_and_wrapped(text: str, names: set[str], wrapper: str) -> None:
    assert names <= {found.canary for found in scan("a channel", WRAPPERS[wrapper](text))}


def test_every_canary_has_a_spelling_and_each_is_in_what_careless_peers_say() -> None:
    names = {canary.name for canary in values.CANARIES}
    assert names == set().union(*(names for _, names in SPELLINGS))
    assert {found.canary for found in scan("a peer", values.ALL)} == names


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_ordinary_lines_have_none(wrapper: str) -> None:
    line = "2026-11-30T03:17:16Z run 12 of recover_services in north: 1937 read, 1023 written; patient 7, $3,125.59"
    assert scan("a channel", WRAPPERS[wrapper](line)) == []


def test_what_is_found_says_where() -> None:
    (found,) = scan("output of sync_phones", f"… {values.EMAIL} …")
    assert str(found).startswith("output of sync_phones: e-mail address in …")
    assert values.EMAIL in found.around
