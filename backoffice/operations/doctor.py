"""What is wrong, and what to do about it: the installation first, then what the alerts' checks find, then what runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core import checks
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from backoffice import presence
from backoffice.fields import encrypted_fields
from backoffice.formats import count
from backoffice.keyring import newest_key_id
from backoffice.operations import standing
from backoffice.runs.alerts import CHECKS, look
from backoffice.telemetry import probes

# The page has one line for each of them; the alerts' own say the rest.
OURS_ELSEWHERE = ("backoffice.runs.alerts.queue_unreachable", "backoffice.operations.alerts.gone_processes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong: `what`, in one line, and `act`, the next step."""

    part: str
    what: str
    act: str


PROBED: dict[tuple[str, str], tuple[str, str]] = {
    ("database", probes.UNREACHABLE): ("The database does not answer.", "Start it, or correct DATABASE_URL."),
    ("accumulators", probes.UNREACHABLE): (
        "The accumulators' database does not answer.", "Start it, or correct ACCUMULATORS_DATABASE_URL.",
    ),
    ("queue", probes.UNREACHABLE): (
        "The queue's server does not answer.", "Start Redis, or correct REDIS_URL; without one, start ./bin/serve.",
    ),
    ("migrations", probes.MISSING): ("Migrations of this release have not been applied.", "Run: manage.py migrate"),
    ("migrations", probes.UNREACHABLE): ("Nobody can say whether migrations are applied.", "See the database."),
    ("disk", probes.FULL): ("Too little space is left at NIGHTWARD_HOME.", "Make some: clean_up, old reports, logs."),
    ("disk", probes.READ_ONLY): ("NIGHTWARD_HOME cannot be written.", "Give its owner the right, or set another."),
    ("disk", probes.UNREACHABLE): ("NIGHTWARD_HOME is not there.", "Make the folder, or set another."),
}  # fmt: skip


def findings() -> Iterator[Finding]:
    """All that is wrong now. What needs a database that does not answer is left out: its own line says so."""
    state = {name: probe() for name, probe in probes.CHECKS.items()}
    for name, word in state.items():
        if word != probes.OK:
            what, act = PROBED.get((name, word), (f"{name}: {word}.", "Look at its log."))
            yield Finding(part=name, what=what, act=act)
    yield from _settings()
    if state["database"] != probes.OK or state["migrations"] != probes.OK:
        return
    for part, looks in LOOKS.items():
        try:
            yield from looks()
        except (DatabaseError, InterfaceError, RedisError) as error:
            yield Finding(part=part, what=f"It could not be looked at ({type(error).__name__}).", act="Try again.")


def _settings() -> Iterator[Finding]:
    """What Django's own checks for production say."""
    for message in checks.run_checks(include_deployment_checks=True):
        if message.level >= checks.WARNING:
            yield Finding(part="settings", what=f"{message.id}: {message.msg}", act=message.hint or "See its words.")


def _secrets() -> Iterator[Finding]:
    """Sealed values that no key opens any more, or that an older key has sealed."""
    newest, unreadable, old = newest_key_id(), 0, 0
    for model, field in encrypted_fields():
        for row in model._base_manager.only("pk", field.identity, field.attname).iterator():
            sealed = row.__dict__.get(field.attname)
            if sealed is None:
                continue
            try:
                getattr(row, field.attname)
            except Exception:
                unreadable += 1
            else:
                old += sealed.key_id != newest
    if unreadable:
        yield Finding(
            part="secrets", what=f"{count(unreadable, 'secret')} cannot be opened.",
            act="Put the key that sealed them into FIELD_KEYS, or enter them anew.",
        )  # fmt: skip
    if old:
        yield Finding(
            part="secrets",
            what=f"{count(old, 'secret')} sealed by an older key.",
            act="Run: manage.py rotate_field_keys",
        )


def _alerts() -> Iterator[Finding]:
    for path in CHECKS:
        if path in OURS_ELSEWHERE:
            continue
        for wrong in look(path):
            yield Finding(part=wrong.kind, what=wrong.message, act="The dashboard leads to it.")


def _processes() -> Iterator[Finding]:
    """What should run and does not, from where the queue's server answers."""
    try:
        found = presence.processes()
    except RedisError:
        return
    for stand in standing.stands(found, datetime.now(UTC)):
        if stand.on and stand.short:
            has = f"{stand.here:,} of {stand.meant.least:,} run" if stand.here else "none runs"
            yield Finding(part=stand.meant.name, what=f"{stand.meant.title}: {has}.", act=_start(stand))


def _start(stand: standing.Stand) -> str:
    return f"Start: {' '.join(stand.meant.command)}"


LOOKS: dict[str, Callable[[], Iterator[Finding]]] = {"secrets": _secrets, "alerts": _alerts, "processes": _processes}
