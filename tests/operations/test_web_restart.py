"""The web processes begin again from the admin, while the address goes on answering."""

from urllib.request import urlopen

import pytest
from redis import Redis

from backoffice import presence
from tests.processes import Processes, until


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_web_processes_are_restarted_one_and_all_without_a_lost_request(processes: Processes, queue: Redis) -> None:
    """[S4-22] "Restart app"."""
    serve = processes.manage("serve", "--port", "0", "--workers", "1")
    address = serve.says("Nightward is at").split("Nightward is at ")[1].split()[0]

    def pids() -> set[int]:
        return {one.pid for one in presence.processes() if one.name == "web"}

    until(lambda: len(pids()) == 2, within=180)
    before = pids()
    presence.ask_for_restart("web")

    def replaced() -> bool:
        with urlopen(address, timeout=60) as answer:
            assert answer.status == 200
        return len(pids()) == 2 and not pids() & before

    until(replaced, within=180)
