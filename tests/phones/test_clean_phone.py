"""`manage.py clean_phone`, as an operator tries a cell."""

import json

import pytest
from django.core.management import CommandError, call_command

from tests.processes import Processes


def test_a_number_is_printed_as_e164(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("clean_phone", "0812-3456-7890")
    assert capsys.readouterr().out == "+6281234567890\n"


def test_another_country_is_named_in_either_case(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("clean_phone", "(402) 555-0123", "--country", "us")
    assert capsys.readouterr().out == "+14025550123\n"


def test_a_reason_is_printed_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        call_command("clean_phone", "8.12346E+10")
    assert left.value.code == 1
    assert capsys.readouterr().out == "digits lost\n"


def test_json_has_the_rules_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("clean_phone", "81234567890.0", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"e164": "+6281234567890", "reason": "", "rules": ["float", "leading zero"]}
    with pytest.raises(SystemExit):
        call_command("clean_phone", "110", "--json")
    assert json.loads(capsys.readouterr().out)["reason"] == "too short"


def test_an_unknown_country_is_status_2() -> None:
    with pytest.raises(CommandError, match="such as ID or US") as refused:
        call_command("clean_phone", "0812", "--country", "XX")
    assert refused.value.returncode == 2


@pytest.mark.slow
def test_from_a_shell_the_exit_status_tells_a_reason_from_wrong_use(processes: Processes) -> None:
    no_number, misused = processes.manage("clean_phone", "--", "-110"), processes.manage("clean_phone", "--country")
    assert (no_number.ends(), no_number.output) == (1, "too short\n")
    assert misused.ends() == 2
