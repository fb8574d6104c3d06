"""deploy/crontab: its lines name commands and arguments that there are."""

import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class

from tests.deploy.files import DEPLOY

TIMES = re.compile(r"(\d+)\s+(\d+) \* \* \*\s+(.+)")


def commands() -> list[list[str]]:
    """What manage.py is given, of each line; the back-up is a service of the compose file."""
    lines = [found[3] for line in (DEPLOY / "crontab").read_text().splitlines() if (found := TIMES.fullmatch(line))]
    return [
        shlex.split(each.removeprefix("$NIGHTWARD ").replace(r"$(date +\%F)", "2026-03-16"))
        for line in lines
        for each in line.split(" && ")
        if "$NIGHTWARD" in each
    ]


def test_each_job_of_money_and_of_phones_has_its_line() -> None:
    names = {line[0] for line in commands()}
    assert names == {"recover_services", "claim_services", "run_pipeline", "sync_phones", "submit_claims"}


@pytest.mark.parametrize("line", commands(), ids=lambda line: line[0])
def test_a_line_is_understood(line: list[str]) -> None:
    parser = load_command_class(get_commands()[line[0]], line[0]).create_parser("manage.py", line[0])
    assert parser.parse_args(line[1:]).region == "north"
