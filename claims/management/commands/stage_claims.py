"""manage.py stage_claims FILE_OR_DIR --region R: stage claims that came as 837P for the next night."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.formats import count, legible
from backoffice.runs.command import region_named
from backoffice.runs.faults import Misuse
from backoffice.runs.parameters import day
from claims.pipeline.stage import Staged, stage


class Command(BaseCommand):
    help = "Stages the claims of 837P files, each file whole or not at all; what has come before changes nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="FILE_OR_DIR", help="a file, or a folder of nothing else")
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--run-date", metavar="DATE", help="the first night that may take them (the next one)")
        parser.add_argument("--json", action="store_true", help="what came of each file, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["region"])
        path: Path = options["path"]
        try:
            run_date = day({"--run-date": options["run_date"]}, "--run-date") if options["run_date"] else None
        except Misuse as error:
            raise CommandError(str(error), returncode=2) from None
        found, refused = [], []
        for file in files_of(path):
            try:
                found.append(stage(file, region, run_date))
            except Misuse as error:
                refused.append((legible(file.name), str(error)))
        if options["json"]:
            self.stdout.write(json.dumps({"files": [*map(as_json, found), *map(refused_as_json, refused)]}, indent=2))
        else:
            self._say(found)
        if refused:
            problems = "" if options["json"] else "".join(f"{problem}\n" for _, problem in refused)
            raise CommandError(f"{problems}Of {count(len(refused), 'file')} nothing was staged.", returncode=2)

    def _say(self, found: list[Staged]) -> None:
        """What changed nothing is always said, since somebody expected a change."""
        for each in found:
            if each.batch is None or each.repeated.total or sys.stdout.isatty():
                self.stdout.write("\n".join(said(each)))


def files_of(path: Path) -> list[Path]:
    """In the order of their names; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not files:
        raise CommandError(f"{legible(path)}: there is no file in it.", returncode=2)
    return files


def said(staged: Staged) -> Iterator[str]:
    if staged.known:
        yield f"{staged.file} has been staged before: nothing was changed."
        return
    for problem in staged.repeated.found:
        yield f"{problem}: not staged again."
    if staged.repeated.more:
        yield f"and {staged.repeated.more:,} more"
    new = f"{count(staged.claims, 'new claim')} with {count(staged.lines, 'line')}"
    yield f"{staged.file}: {new}" + (f", batch {staged.batch.pk}." if staged.batch else ": nothing was changed.")


def as_json(staged: Staged) -> dict[str, Any]:
    return {
        "file": staged.file,
        "outcome": "staged" if staged.batch else "repeated",
        "batch": staged.batch.pk if staged.batch else None,
        "claims": staged.claims,
        "lines": staged.lines,
        "repeated_claims": staged.repeated.total,
        "problems": staged.repeated.found,
    }


def refused_as_json(refused: tuple[str, str]) -> dict[str, Any]:
    name, problems = refused
    return {
        "file": name, "outcome": "refused", "batch": None, "claims": 0, "lines": 0, "repeated_claims": 0,
        "problems": problems.splitlines(),
    }  # fmt: skip
