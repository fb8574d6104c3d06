"""Figures name the commit that they are of."""

import subprocess
from pathlib import Path

from backoffice.bench.machine import commit_of


def test_the_file_that_the_figures_go_to_is_no_change(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        named = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *named, *arguments], check=True, capture_output=True)

    report, other = tmp_path / "docs" / "report.json", tmp_path / "other.py"
    report.parent.mkdir()
    for path in (report, other):
        path.write_text("1")
    assert commit_of(tmp_path) == "no commit"
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "One")
    report.write_text("2")
    assert commit_of(tmp_path).endswith(" with changes")
    assert "changes" not in commit_of(tmp_path, report, tmp_path.parent / "elsewhere.json")
    other.write_text("2")
    assert commit_of(tmp_path, report).endswith(" with changes")
