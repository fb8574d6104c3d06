"""A NUL, which PostgreSQL has in no text, is a refusal at every address: never a 500, whoever sends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from redis import Redis

from clinic.events.inbound.hl7v2 import Refused, check, header_of
from regions.models import Region
from tests.admin.conftest import SignIn, World, north, sign_in
from tests.events.senders import SECRET, cloud_event, oru, signed, written
from tests.factories import RegionFactory, SuperuserFactory

__all__ = ["north", "sign_in"]
pytestmark = pytest.mark.django_db

# What a part of an address is filled with, by its converter; a part of a regular expression is a number or a word.
PARTS = {"int": "1", "slug": "a", "uuid": "00000000-0000-0000-0000-000000000000"}
NUL = "a%00b"
ANSWERS = {400, 404}


def addresses(resolver: Any = None, before: str = "/") -> Iterator[str]:
    """Every address of the product, with a NUL in each part that is a text."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = before + filled(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


def filled(pattern: Any) -> str:
    text = str(pattern)
    for name, converter in pattern.converters.items():
        kind = next(kind for kind in (*PARTS, "str", "path") if f"<{kind}:{name}>" in text or kind == "str")
        text = text.replace(f"<{kind}:{name}>", PARTS.get(kind, NUL)).replace(f"<{name}>", NUL)
        assert converter
    if pattern.converters or "(?P<" not in text:
        return text.strip("^$").replace("/?", "/").replace("\\Z", "")
    named = pattern.regex.groupindex
    return "".join(_pieces(text.strip("^$").replace("/?", "/"), dict.fromkeys(named, NUL)))


def _pieces(text: str, values: dict[str, str]) -> Iterator[str]:
    """The regular expression with each named group filled in."""
    while "(?P<" in text:
        plain, _, rest = text.partition("(?P<")
        name, _, rest = rest.partition(">")
        _, _, text = rest.partition(")")
        yield plain
        yield values[name]
    yield text


@pytest.fixture
def receiving() -> Region:
    secrets = {"LIS_WEBHOOK_SECRET": SECRET, "POS_WEBHOOK_SECRET": SECRET}
    return RegionFactory.create(name="receiving", env_vars=secrets)


@pytest.mark.slow
def test_no_address_takes_a_nul(queue: Redis) -> None:
    """[S4-13] Anonymous and signed in as who may everything; in the path, and as name and value of a query."""
    known = client_of_all()
    paths = sorted(set(addresses()))
    assert len(paths) > 150, paths
    assert sum("%00" in path for path in paths) > 10, paths
    for client in (Client(), known):
        for path in paths:
            plain = path.replace(NUL, "1")
            for address in {path, f"{plain}?region=%00", f"{plain}?a%00b=1", f"{plain}?q=a&q=a%00b"}:
                if "%00" not in address:
                    continue
                for method in (client.get, client.post):
                    assert method(address).status_code in ANSWERS, address


def client_of_all() -> Client:
    client = Client()
    client.force_login(SuperuserFactory.create())
    return client


@pytest.mark.parametrize("region", ["%00", "a%00b", "receiving%00"])
@pytest.mark.parametrize("path", ["events/lis", "events/pos", "notices/twilio/status/", "notices/twilio/inbound/"])
def test_whoever_calls_a_webhook_is_told_so(client: Client, receiving: Region, path: str, region: str) -> None:
    """Signed for the region of that name without the NUL, which is not the one that is named."""
    body = written(cloud_event())
    media = "application/cloudevents+json"
    answer = client.post(f"/api/v1/{path}?region={region}", body, content_type=media, headers=signed(body))
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"] == {"region": ["A NUL character is in no text here: leave it out."]}


@pytest.mark.parametrize("cookie", ['"aaaaaaaaaaaaaaaa\\000"', '"\\000aaaaaaaaaaaaaaaa"'])
def test_a_session_of_such_a_name_is_nobodys(client: Client, cookie: str) -> None:
    """Cookies have NULs in octal, which are read as such."""
    answer = client.get("/admin/", headers={"cookie": f"sessionid={cookie}"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_a_form_with_a_nul_is_refused_whatever_reads_it(sign_in: SignIn, north: World) -> None:
    client = sign_in("finance")
    page = "/admin/clinic/missingservice/groups/recover/"
    assert client.post(page, {"region": "north", "blocked_by": "cost_center:D1"}).status_code == 200
    for form in (
        {"region": "nor\0th", "blocked_by": "cost_center:D1"},
        {"region": "north", "blocked_by": "cost_center:\0"},
        {"region": "north", "blocked_by": "cost_center:D1", "a\0b": "1"},
    ):
        answer = client.post(page, form)
        assert answer.status_code == 400
        assert "NUL character" in answer.content.decode()


@pytest.mark.parametrize(("before", "after"), [(b"|LAB|", b"|L\0B|"), (b"|NORTH|", b"|N\0RTH|"), (b"|M1|", b"|M\0|")])
def test_a_message_of_a_laboratory_with_one_in_its_number_is_to_be_mended(before: bytes, after: bytes) -> None:
    """AE: sent again as it is, it would be refused for ever."""
    body = oru("M1")
    check(header_of(body))
    with pytest.raises(Refused, match="NUL") as refused:
        check(header_of(body.replace(before, after, 1)))
    assert (refused.value.code, refused.value.error) == ("AE", 102)
