"""rotate_field_keys: after a new key was put first in FIELD_KEYS, so that the old ones can be taken out."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.fields import encrypted_fields, rotate


class Command(BaseCommand):
    help = "Seal every secret under the first key of FIELD_KEYS. Safe beside running processes, and to repeat."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable: list[str] = []
        for model, field in encrypted_fields():
            done, lost = rotate(model, field)
            unreadable += lost
            if self.stdout.isatty() or options["verbosity"] > 1:
                self.stdout.write(f"{model._meta.label}.{field.name}: {done} sealed anew")
        if unreadable:
            places = ", ".join(unreadable)
            raise CommandError(f"No key of FIELD_KEYS opens {places}: keep the old keys, or enter them again.")
