"""Where the accumulators live: with the rest, or in a database of their own (ACCUMULATORS_DATABASE_URL)."""

from typing import Any

from django.conf import settings
from django.db.models import Model

TABLES = ("accumulator", "accumulatorfence")


class AccumulatorsRouter:
    """A database of their own holds their two tables and nothing else. With the rest these are made in any case, and
    stay empty there."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        ours = model._meta.app_label == "claims" and model._meta.model_name in TABLES
        return str(settings.ACCUMULATORS_DATABASE) if ours else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if db == "default":
            return None
        return app_label == "claims" and model_name in TABLES
