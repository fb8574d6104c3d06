"""What the documents have a reader run leaves nothing in the checkout that could be committed with it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
WRITES = re.compile(r"(?<![-=<>0-9&|])>>?\s*\"?([^\s\"'&|;()<>]+)")


def written() -> Iterator[tuple[str, str]]:
    """(document, file) of each redirection in a shell block."""
    for document in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]):
        for block in BLOCK.findall(document.read_text()):
            yield from ((document.name, name) for name in WRITES.findall(block))


def ignored(name: str) -> bool:
    return subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False).returncode == 0


def test_a_file_that_a_document_writes_lies_elsewhere_or_is_ignored() -> None:
    """A portal's token was written into the checkout, from where `git add` takes it."""
    found = list(written())
    assert found
    assert [each for each in found if not each[1].startswith(("/", "$", "~")) and not ignored(each[1])] == []
