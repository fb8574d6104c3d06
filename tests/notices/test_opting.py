"""STOP and START as people write them, and as Twilio tells them more than once (contract X-15)."""

import pytest

from clinic.notices import opting
from regions.models import Region
from tests.factories import RegionFactory

pytestmark = pytest.mark.django_db
NUMBER = "+13125550100"


@pytest.fixture
def region() -> Region:
    return RegionFactory.create()


def test_an_old_start_that_comes_again_lifts_no_later_stop(region: Region) -> None:
    """It lifted nothing when it came first."""
    said = [
        opting.heed(region, NUMBER, word, sid) for word, sid in (("START", "SM0"), ("STOP", "SM1"), ("START", "SM0"))
    ]
    assert said == ["start", "stop", ""]
    assert opting.is_stopped(region, NUMBER)


@pytest.mark.parametrize(
    "text", ["\u201cSTOP\u201d", '"stop"', "'Stop'", "STOP ALL", "stop.", "Stop please", "stop\u200b", "\n Cancel! "]
)
def test_a_stop_is_one_whatever_stands_around_it(region: Region, text: str) -> None:
    assert opting.heed(region, NUMBER, text, "SM1") == "stop"
    assert opting.is_stopped(region, NUMBER)


@pytest.mark.parametrize(
    ("text", "said"), [("Start!", "start"), ("yes I come", ""), ("please stop by", ""), ("\u2026", "")]
)
def test_start_is_the_whole_message(region: Region, text: str, said: str) -> None:
    opting.stop(region, NUMBER)
    assert opting.heed(region, NUMBER, text, "SM2") == said
    assert opting.is_stopped(region, NUMBER) == (not said)
