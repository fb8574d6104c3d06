"""docs/benchmarks.md: what was measured last, section by section."""

from collections.abc import Iterable
from pathlib import Path

from backoffice.bench.tables import Section

HEAD = """# Benchmarks

Taken with `./bin/bench --write`; `./bin/bench SECTION` measures again. What is compared was measured in one run,
in turn, and is shown as a ratio: only that carries over to another machine."""


def write(file: Path, sections: Iterable[Section]) -> None:
    """Put the sections into the file, in place of those of the same title; the others stay."""
    parts = _parts(file.read_text()) if file.exists() else {}
    parts.update({section.title: "\n".join(section.lines()) for section in sections})
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n\n".join([HEAD, *parts.values()]) + "\n")


def _parts(text: str) -> dict[str, str]:
    """Each section of the document by its title."""
    found = [f"## {part.strip()}" for part in f"\n{text}".split("\n## ")[1:]]
    return {part.splitlines()[0].removeprefix("## "): part for part in found}
