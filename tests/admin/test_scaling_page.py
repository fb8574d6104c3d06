"""The scaling advisor's page: for who sees the queues, since its figures are of all regions."""

from typing import Any

import pytest
import yaml
from django.test import Client
from redis import Redis

from tests.admin.conftest import SignIn

PAGES = ("/admin/scaling/", "/admin/scaling/keda.yaml", "/admin/scaling/hpa.yaml")


def test_the_page_shows_it_and_hands_out_the_settings(sign_in: SignIn, north: Any, queue: Redis) -> None:
    client = sign_in("engineer")
    text = client.get(PAGES[0]).content.decode()
    assert "consumer-pos-orders" in text
    assert "review by 2027-02-01" in text
    answer = client.get(PAGES[1])
    assert answer["Content-Disposition"] == 'attachment; filename="scaling-keda.yaml"'
    assert len(list(yaml.safe_load_all(answer.content))) > 10
    assert client.get("/admin/scaling/cron.yaml").status_code == 404
    assert client.post(PAGES[0]).status_code == 405


def test_without_a_queue_the_page_says_so(
    sign_in: SignIn, north: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.RQ_QUEUES["default"], "URL", "unix:///nowhere.sock")
    assert "The queue does not answer" in sign_in("engineer").get(PAGES[0]).content.decode()
    assert sign_in("engineer").get(PAGES[1]).status_code == 503


@pytest.mark.parametrize("address", PAGES)
def test_outsiders(sign_in: SignIn, north: Any, client: Client, address: str) -> None:
    assert client.get(address)["Location"].startswith("/admin/login/")
    for role in (None, "viewer", "finance", "operator", "auditor"):
        assert sign_in(role).get(address).status_code == 403
