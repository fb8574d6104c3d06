"""A region's clearinghouse: said in the file or the admin, checked by name, complete or told what it lacks."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from backoffice.sandbox.clearinghouse import Account, ClearinghouseServer
from claims.edi.claims import Kind
from claims.edi.outbound import Envelope
from claims.edi.outbound import check as check_envelope
from regions.clearinghouse import Clearinghouse, clearinghouse_of
from regions.clearinghouse_keys import USUAL, clearinghouse_problems
from regions.configuration import load
from regions.connections import MissingConnection, UnreadableConnection
from regions.models import Region
from regions.regionfile import RegionFileError, export, parse
from tests.edi.made import WHEN
from tests.factories import RegionFactory, UserFactory
from tests.regions.test_check import check
from tests.regions.test_region_admin import filled, page
from tests.regions.world import ENVIRON, FILE, with_

KNOWN_HOSTS = "ftp10.officeally.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBlsF4NU2mKFLL1eM5kAn8bDXcKZBRhGh1Zqc0rFVqLW"
TOLD: dict[str, Any] = {
    "user": "clinic", "known_hosts": KNOWN_HOSTS, "sender": "NIGHTWARD", "submitter": "Nightward Clinic",
    "contact": "Billing desk", "phone": "5595550100",
}  # fmt: skip
PASSWORD, KEY = "s3cret-of-the-mailbox", "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END"


def region_with(told: Any, **env_vars: str) -> Region:
    return RegionFactory.create(clearinghouse=told, env_vars=env_vars)


@pytest.mark.django_db
def test_office_allys_values_stand_where_the_region_says_nothing() -> None:
    found = clearinghouse_of(region_with(TOLD, SFTP_PASSWORD=PASSWORD))
    assert (found.server.host, found.server.port, found.server.upload_mode) == ("ftp10.officeally.com", 22, "direct")
    assert (found.receiver, found.receiver_id, found.group_receiver) == ("330897513", "330897513", "OA")
    assert (found.sender, found.group_sender, found.submitter_id) == ("NIGHTWARD",) * 3
    assert (found.hours_to_999, found.hours_to_277ca, found.days_to_835) == (2, 24, 30)
    assert (found.test, found.acknowledge, found.line_break, found.contractual) == (True, True, "\n", None)
    assert (found.server.password, found.server.private_key) == (PASSWORD, "")
    assert PASSWORD not in repr(found)


@pytest.mark.django_db
def test_every_value_can_be_another_one() -> None:
    others = {
        **TOLD, "host": "127.0.0.1", "port": 2222, "inbound": "in/claims", "outbound": "/out", "upload_mode": "rename",
        "timeout": 5, "max_megabytes": 1, "receiver": "R", "sender_qualifier": "30", "receiver_qualifier": "01",
        "group_sender": "GS", "group_receiver": "330897513", "submitter_id": "S1", "receiver_name": "Another",
        "receiver_id": "R1", "acknowledge": False, "test": False, "claims_per_set": 10, "line_break": "none",
        "hours_to_upload": 2, "hours_to_999": 3, "hours_to_277ca": 4, "days_to_835": 5, "contractual": ["45", "253"],
    }  # fmt: skip
    assert set(USUAL) <= set(others)
    assert clearinghouse_problems(others) == []
    found = clearinghouse_of(region_with(others, SFTP_PRIVATE_KEY=KEY))
    assert (found.server.host, found.server.timeout, found.server.max_bytes) == ("127.0.0.1", 5.0, 1024 * 1024)
    assert found.server.private_key == KEY
    assert (found.line_break, found.contractual) == ("", frozenset(("45", "253")))
    assert all(getattr(found, key) == value for key, value in others.items() if key in NAMES and key not in CONVERTED)


NAMES = {field.name for field in fields(Clearinghouse)}
CONVERTED = {"line_break", "contractual"}


@pytest.mark.django_db
def test_what_is_missing_is_named_in_one_line() -> None:
    region = region_with({"user": "clinic"})
    with pytest.raises(MissingConnection) as caught:
        clearinghouse_of(region)
    assert str(caught.value) == (
        f"Region {region.name} lacks clearinghouse.known_hosts, clearinghouse.sender, clearinghouse.submitter, "
        "clearinghouse.contact, clearinghouse.phone, SFTP_PASSWORD or SFTP_PRIVATE_KEY: "
        "add it to the region file and load it."
    )


@pytest.mark.django_db
def test_secrets_that_do_not_open_are_told_from_missing_ones(settings: Any) -> None:
    region = region_with(TOLD, SFTP_PASSWORD=PASSWORD)
    settings.FIELD_KEYS = ["Aw" * 21 + "A="]
    with pytest.raises(UnreadableConnection):
        clearinghouse_of(region)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"hots": "h"}, "clearinghouse.hots: is not known; known are host, port, user, "),
        ({"host": "a b"}, "clearinghouse.host: must be a host's name or address"),
        ({"port": 0}, "clearinghouse.port: must be a whole number from 1 to 65535"),
        ({"port": True}, "clearinghouse.port: must be a whole number from 1 to 65535"),
        ({"user": ""}, "clearinghouse.user: must be a name without blanks"),
        (
            {"known_hosts": "ftp10.officeally.com"},
            "clearinghouse.known_hosts: must be lines as ssh-keyscan prints them",
        ),
        ({"known_hosts": ["a"]}, "clearinghouse.known_hosts: must be lines as ssh-keyscan prints them"),
        ({"inbound": "in box"}, "clearinghouse.inbound: must be a folder's path"),
        ({"upload_mode": "ftp"}, "clearinghouse.upload_mode: must be one of: direct, rename"),
        ({"upload_mode": ["direct"]}, "clearinghouse.upload_mode: must be one of: direct, rename"),
        ({"sender": "A" * 16}, "clearinghouse.sender: must be 1 to 15 capital letters"),
        ({"sender": "a*b"}, "clearinghouse.sender: must be 1 to 15 capital letters"),
        ({"receiver_qualifier": "1"}, "clearinghouse.receiver_qualifier: must be two characters"),
        ({"submitter": "***"}, "clearinghouse.submitter: must be a name of 1 to 60 characters"),
        ({"phone": "15595550100"}, "clearinghouse.phone: must be ten digits without a leading 1"),
        ({"test": "no"}, "clearinghouse.test: must be true or false"),
        ({"claims_per_set": 5001}, "clearinghouse.claims_per_set: must be a whole number from 1 to 5000"),
        ({"line_break": "\n"}, "clearinghouse.line_break: must be one of: none, lf, crlf"),
        (
            {"contractual": "45"},
            'clearinghouse.contractual: must be a list of adjustment reasons, such as ["45", "253"]',
        ),
        (["host"], "clearinghouse: must be an object"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(told: Any, says: str) -> None:
    with pytest.raises(RegionFileError) as caught:
        parse(with_(clearinghouse=told), environ=ENVIRON)
    (line,) = caught.value.problems
    assert line.startswith(says)


TEXTS = st.text(max_size=20) | st.from_regex(r"[ -~]{1,16}", fullmatch=True)


IN_ENVELOPE = (
    "sender",
    "receiver",
    "group_sender",
    "submitter",
    "submitter_id",
    "contact",
    "receiver_name",
    "receiver_id",
)


@given(st.sampled_from(IN_ENVELOPE), TEXTS)
def test_what_is_accepted_can_be_written_into_an_envelope(key: str, text: str) -> None:
    if not clearinghouse_problems({key: text}):
        told = {**USUAL, **TOLD, "group_sender": "NW", "submitter_id": "NW", key: text}
        names = {field.name for field in fields(Envelope)} - {"line_break"}
        check_envelope(
            Envelope(kind=Kind.MED, control=1, when=WHEN, **{key: told[key] for key in names if key in told})
        )


@pytest.mark.django_db
def test_a_file_that_says_it_can_be_exported_and_loaded_again() -> None:
    values = {**FILE["env_vars"], "SFTP_PRIVATE_KEY": KEY, "SFTP_PASSWORD": "env:SFTP"}
    text = with_(clearinghouse=TOLD, env_vars=values)
    region = load(parse(text, environ={**ENVIRON, "SFTP": PASSWORD})).region
    document = export(region)
    assert document["clearinghouse"] == TOLD
    assert document["env_vars"]["SFTP_PRIVATE_KEY"] == "keep:"
    assert document["env_vars"]["SFTP_PASSWORD"] == "env:SFTP"
    assert load(parse(text, environ={**ENVIRON, "SFTP": PASSWORD})).changed == ()
    assert region.versions.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"host": "elsewhere.example.org"}, {"port": 2222}])
def test_a_password_is_not_sent_to_another_host_than_it_was_given_for(change: Any) -> None:
    values = {**FILE["env_vars"], "SFTP_PASSWORD": PASSWORD}
    load(parse(with_(clearinghouse=TOLD, env_vars=values), environ=ENVIRON))
    kept = with_(clearinghouse={**TOLD, **change}, env_vars={**values, "SFTP_PASSWORD": "keep:"})
    with pytest.raises(RegionFileError, match="SFTP_PASSWORD: keep: the address that it is sent to changes"):
        load(parse(kept, environ=ENVIRON))
    harmless = with_(clearinghouse={**TOLD, "test": False}, env_vars={**values, "SFTP_PASSWORD": "keep:"})
    assert load(parse(harmless, environ=ENVIRON)).changed == ("clearinghouse",)
    assert clearinghouse_of(Region.objects.get()).server.password == PASSWORD


@pytest.mark.django_db
def test_the_admin_takes_what_the_file_takes_and_shows_no_secret(client: Client) -> None:
    values = {**FILE["env_vars"], "SFTP_PASSWORD": PASSWORD}
    region = load(parse(with_(clearinghouse=TOLD, env_vars=values), environ=ENVIRON)).region
    client.force_login(UserFactory.create(role="engineer", regions=[region]))
    wrong = client.post(page(region), filled(region, clearinghouse='{"port": 0}', env_SFTP_PRIVATE_KEY=KEY))
    text = wrong.content.decode()
    assert "port: must be a whole number" in text
    assert "c2VjcmV0" not in text
    assert PASSWORD not in text
    moved = client.post(page(region), filled(region, clearinghouse='{"host": "elsewhere.example.org"}'))
    assert "Give it again: the address that it is sent to changes." in moved.content.decode()
    data = filled(region, clearinghouse='{"user": "other"}', env_SFTP_PRIVATE_KEY=KEY.replace("\n", "\r\n"))
    assert client.post(page(region), data).status_code == 302
    region = Region.objects.get()
    assert region.clearinghouse == {"user": "other"}
    assert region.env_vars["SFTP_PRIVATE_KEY"].splitlines() == KEY.splitlines()
    assert region.env_vars["SFTP_PASSWORD"] == PASSWORD


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ClearinghouseServer]:
    with ClearinghouseServer(tmp_path / "peer", account=Account(password=PASSWORD), sweeping=False) as served:
        yield served


@pytest.mark.django_db
def test_load_region_checks_host_login_and_folders_and_uploads_nothing(
    server: ClearinghouseServer, tmp_path: Path
) -> None:
    told = {**TOLD, **server.region_file()["clearinghouse"]}
    assert check(tmp_path, {"clearinghouse": told}, SFTP_PASSWORD=PASSWORD) == ["purbalingga: clearinghouse: works"]
    refused = check(tmp_path, {"clearinghouse": told}, SFTP_PASSWORD="wr0ng-password")
    assert refused[0].startswith("purbalingga: clearinghouse: The login is refused: check user")
    assert "wr0ng-password" not in "".join(refused)
    foreign = {**told, "known_hosts": KNOWN_HOSTS}
    assert "known_hosts holds no key of" in check(tmp_path, {"clearinghouse": foreign}, SFTP_PASSWORD=PASSWORD)[0]
    folder = {**told, "outbound": "nowhere"}
    assert "A folder is not there" in check(tmp_path, {"clearinghouse": folder}, SFTP_PASSWORD=PASSWORD)[0]
    (lacking, _) = check(tmp_path, {"clearinghouse": {"user": "clinic"}})
    assert lacking.startswith("purbalingga: clearinghouse: lacks clearinghouse.known_hosts, clearinghouse.sender, ")
    assert list(server.desk.inbound.iterdir()) == []
    assert dict(server.logins) == {"accepted": 2, "refused": 1}


@pytest.mark.django_db
def test_a_host_that_does_not_answer_is_asked_once(server: ClearinghouseServer, tmp_path: Path) -> None:
    told = {**TOLD, **server.region_file()["clearinghouse"]}
    server.stop()
    lines = check(tmp_path, {"clearinghouse": told}, SFTP_PASSWORD=PASSWORD)
    assert lines[0] == "purbalingga: clearinghouse: does not work: connection"
    with pytest.raises(CommandError) as caught:
        call_command("load_region", str(tmp_path / "region.json"), check=True)
    assert caught.value.returncode == 1
