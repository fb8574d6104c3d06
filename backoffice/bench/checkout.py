"""Another revision of this code beside the present one, with an interpreter that has its packages."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from backoffice.bench.processes import ROOT, BenchFailed


class NoSuchRevision(Exception):
    """git knows no such commit, or is not here."""


def revision_named(name: str | None) -> str:
    """The commit of that name; of none: of the newest tag, or where no tag is, the first parent. NoSuchRevision."""
    wanted = [name] if name else [_git("describe", "--tags", "--abbrev=0"), "HEAD^"]
    for each in wanted:
        commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{each}^{{commit}}") if each else ""
        if commit:
            return commit
    raise NoSuchRevision(f"There is no revision {name or 'before this one'}: name a tag or a commit of this checkout.")


def check_out(commit: str, folder: Path) -> None:
    """The files of the commit, in `folder`."""
    archive = folder.with_suffix(".tar")
    _git("archive", "--format=tar", f"--output={archive}", commit)
    if not archive.exists():
        raise BenchFailed(f"git could not give the files of {commit[:12]}.")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def interpreter_of(folder: Path) -> str:
    """A Python with the packages that this checkout pins: ours where it pins the same, else one of its own, made from
    the network as its scripts make it."""
    if (folder / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes():
        return sys.executable
    shell = shutil.which("sh")
    if shell is None:
        raise BenchFailed("There is no sh to make an environment with.")
    script = 'lock=requirements.txt; . "$0"'
    ended = subprocess.run(  # noqa: S603 (a script of the checkout's own)
        [shell, "-c", script, folder / "bin" / "environment"], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise BenchFailed(f"The packages of the old code could not be installed: {said[-1]}")
    return str(folder / ".venv" / "bin" / "python")


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise NoSuchRevision("git is not here, so that there is no other revision.")
    found = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() if found.returncode == 0 else ""
