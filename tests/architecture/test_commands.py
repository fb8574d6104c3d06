"""Each management command of ours is run by a test."""

from pathlib import Path

from tests.architecture.sources import ROOT, sources


def commands() -> list[Path]:
    modules = (path for path in sources() if path.parts[-3:-1] == ("management", "commands"))
    return [path for path in modules if not path.stem.startswith("_")]


def test_each_command_is_named_in_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in sources() if path.name.startswith("test_"))
    assert [path.stem for path in commands() if f'"{path.stem}"' not in tests] == []


def test_commands_are_found() -> None:
    assert ROOT / "backoffice" / "management" / "commands" / "serve.py" in commands()
