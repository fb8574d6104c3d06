"""rotate_field_keys: after a new key was put first in FIELD_KEYS, so that the old ones can be taken out."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from backoffice import presence
from backoffice.fields import encrypted_fields, rotate
from backoffice.keyring import newest_key_id


class Command(BaseCommand):
    help = "Seal every secret under the first key of FIELD_KEYS. Safe beside running processes, and to repeat."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if behind := _without_newest_key():
            raise CommandError(
                f"The first key of FIELD_KEYS is not known to {', '.join(behind)}, which could not open what is sealed"
                " under it. Start them anew with these FIELD_KEYS, then try again.",
                returncode=2,
            )
        unreadable: list[str] = []
        for model, field in encrypted_fields():
            done, lost = rotate(model, field)
            unreadable += lost
            if self.stdout.isatty() or options["verbosity"] > 1:
                self.stdout.write(f"{model._meta.label}.{field.name}: {done} sealed anew")
        if unreadable:
            places = ", ".join(unreadable)
            raise CommandError(f"No key of FIELD_KEYS opens {places}: keep the old keys, or enter them again.")


def _without_newest_key() -> list[str]:
    """Names of processes that run and were not started with it; none are known where there is no queue."""
    try:
        running = presence.processes()
    except RedisError:
        return []
    now, newest = datetime.now(UTC), newest_key_id()
    return sorted({one.name for one in running if one.here(now) and newest not in one.keys})
