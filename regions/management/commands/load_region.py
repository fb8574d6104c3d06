"""load_region FILE: make a region what its file says."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from regions import checks
from regions.configuration import check_kept, load
from regions.models import Region
from regions.regionfile import RegionFile, RegionFileError, parse
from regions.sheets import others_of


class Command(BaseCommand):
    help = "Load a region file. With --check, call each of its endpoints once, say what works, and change nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the region file; - reads standard input")
        parser.add_argument("--check", action="store_true", help="change nothing; call every endpoint once")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file = parse(read(options["file"]))
            if options["check"]:
                self.check_endpoints(file)
                return
            loaded = load(file)
        except RegionFileError as error:
            lines = (f"{options['file']}: {problem}" for problem in error.problems)
            raise CommandError("\n".join(lines), returncode=2) from None
        if self.stdout.isatty() or options["verbosity"] > 1:
            changed = f"changed {', '.join(loaded.changed)}" if loaded.changed else "unchanged"
            self.stdout.write(f"{file.name}: {'created' if loaded.created else changed}")

    def check_endpoints(self, file: RegionFile) -> None:
        """One line for each endpoint; CommandError (1) when one of them does not work."""
        values = {**file.env_vars, **check_kept(file, Region.objects.filter(name=file.name).first())}
        sharers = [f"region {name}" for name in others_of(file.name, values)]
        credential_file = file.deployment.get("credential_file", "")
        findings = checks.endpoints(values, credential_file, file.columns.get("clearinghouse"), sharers=sharers)
        for finding in findings:
            self.stdout.write(f"{file.name}: {finding.endpoint}: {finding.says}")
        if not findings:
            self.stdout.write(f"{file.name}: the file is well-formed and names no endpoint")
        broken = [finding.endpoint for finding in findings if not finding.works]
        if broken:
            raise CommandError(f"{file.name}: {', '.join(broken)} did not work; nothing was changed", returncode=1)


def read(name: str) -> str:
    """The file's text; CommandError (2) says why it cannot be read."""
    try:
        return Path("/dev/stdin" if name == "-" else name).read_text("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror or 'cannot be read'}", returncode=2) from None
    except UnicodeDecodeError:
        raise CommandError(f"{name}: is not text in UTF-8", returncode=2) from None
