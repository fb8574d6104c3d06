"""What some tests need beside Python's packages, named by marker, and how to come by it on Debian."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fhir import sekmet

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, kw_only=True)
class Need:
    """Tests marked `marker` need `what`; `package` is Debian's, empty where there is none."""

    marker: str
    what: str
    package: str = ""
    found: Callable[[], bool]

    @property
    def sentence(self) -> str:
        """One line for whoever runs the tests."""
        remedy = f" (apt install {self.package})" if self.package else ""
        return f"{self.what} is not here{remedy}: tests marked {self.marker} were left out."


def chromium() -> str | None:
    """The browser's program."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def postgresql_programs() -> Path | None:
    """The folder of initdb and postgres, which Debian keeps off the PATH; the newest."""
    initdb = shutil.which("initdb")
    folders = [Path(initdb).parent] if initdb else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return folders[0] if folders else None


def sshd() -> str | None:
    """OpenSSH's server, which is not on an ordinary user's PATH."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def promtool() -> str | None:
    """Prometheus's own check of rules."""
    return shutil.which("promtool")


NEEDS = (
    Need(marker="browser", what="Chromium", package="chromium", found=lambda: bool(chromium())),
    Need(marker="postgresql", what="PostgreSQL", package="postgresql", found=lambda: bool(postgresql_programs())),
    Need(marker="openssh", what="OpenSSH's server", package="openssh-server", found=lambda: bool(sshd())),
    Need(marker="promtool", what="Prometheus's promtool", package="prometheus", found=lambda: bool(promtool())),
    Need(marker="sekmet", what="Sekmet, which is installed from PyPI once,", found=lambda: bool(sekmet.python())),
    Need(marker="acceptance", what=f"The input in ../{DATA.parent.name}/{DATA.name}", found=DATA.is_dir),
)


def missing_needs() -> list[Need]:
    """What is not here."""
    return [need for need in NEEDS if not need.found()]
