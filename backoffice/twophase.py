"""Migrations in two phases: what old code could not live with is refused until a note says that none is left.

During an upgrade the old processes work on the new schema, and after a roll-back they do again (docs/rehearsal.md). A
migration that is the second phase says so: `safe_after = "…"` in its class names the release since which nothing reads
or writes what it takes away. Statements of one's own cannot be judged: `safe_beside = "…"` says why old code does not
notice them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AlterField,
    AlterModelTable,
    AlterUniqueTogether,
    CreateModel,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Field
from django.db.models.fields import NOT_PROVIDED

NOTE, OWN_NOTE = "safe_after", "safe_beside"
PACKAGES = ("backoffice", "billing", "claims", "clinic", "regions")
OWN = (RunSQL, RunPython)
OWN_SAID = "nobody knows whether old code notices its own statements ({})"
GONE = (RemoveField, RenameField, DeleteModel, RenameModel, AlterModelTable)
# What a column of the first type may become without a word of old code's being refused.
WIDER = frozenset({
    ("CharField", "TextField"), ("SmallIntegerField", "IntegerField"), ("IntegerField", "BigIntegerField"),
})  # fmt: skip
HINT = (
    "First let code that does without it be released; then take it away, in a migration that says so: "
    'safe_after = "the release since which nothing reads or writes it". For SQL or Python of your own: safe_beside = '
    '"why old code does not notice".'
)


def check_two_phases(**_: Any) -> list[CheckMessage]:
    """For `migrate` and `check --database`: one error for each operation of our migrations that needs a note."""
    return [Error(said, hint=HINT, id="backoffice.E135") for said in unsafe_of_ours()]


def unsafe_of_ours() -> list[str]:
    """One sentence for each operation of our own migrations that needs a note and has none."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    ours = {app.label for app in apps.get_app_configs() if app.name.partition(".")[0] in PACKAGES}
    plan = [key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)]
    migrations = [loader.graph.nodes[key] for key in dict.fromkeys(plan)]
    return list(unsafe(migrations, ours))


def unsafe(migrations: Iterable[Migration], labels: Iterable[str]) -> Iterator[str]:
    """Of migrations in their order, what those of these apps do that old code could not live with."""
    state, ours = ProjectState(), set(labels)
    for migration in migrations:
        new = {operation.name_lower for operation in migration.operations if isinstance(operation, CreateModel)}
        for operation in migration.operations:
            for each in _flat(operation) if migration.app_label in ours else ():
                own = isinstance(each, OWN)
                said = OWN_SAID.format(each.describe()) if own else _breaks(each, migration.app_label, new, state)
                if said and not (_noted(migration, NOTE) or (own and _noted(migration, OWN_NOTE))):
                    yield f"{migration.app_label}.{migration.name}: {said}"
            operation.state_forwards(migration.app_label, state)


def _noted(migration: Migration, name: str) -> bool:
    return bool(str(getattr(migration, name, "")).strip())


def _flat(operation: Any) -> Iterator[Any]:
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from _flat(inner)
    else:
        yield operation


def _breaks(operation: Any, label: str, new: set[str], state: ProjectState) -> str:
    """What old code would trip over, in words; empty for what it does not notice, and for a table that is new."""
    model = str(getattr(operation, "model_name", None) or getattr(operation, "name", "")).lower()
    if model in new:
        return ""
    if isinstance(operation, GONE):
        return f"old code still uses what it takes away ({operation.describe()})"
    if isinstance(operation, AddField) and _is_demanded(operation.field):
        return f"old code leaves {model}.{operation.name} out of new rows: it must be null or have a db_default"
    if isinstance(operation, AlterField):
        return _narrowed(operation, state.models.get((label, model)), model)
    if isinstance(operation, AddConstraint | AlterUniqueTogether):
        return f"old code may write rows that it refuses ({operation.describe()})"
    return ""


def _is_demanded(field: "Field[Any, Any]") -> bool:
    """Whether the column must be named by who makes a row: Django drops a `default` once the column is there."""
    return not field.many_to_many and not field.null and field.db_default is NOT_PROVIDED


def _narrowed(operation: AlterField, before: ModelState | None, model: str) -> str:
    """Another column than old code knows, or less than it may write: NULL, twice the same, or a longer text."""
    old = before.fields.get(operation.name) if before else None
    if old is None:
        return ""
    types = old.get_internal_type(), operation.field.get_internal_type()
    if (types[0] != types[1] and types not in WIDER) or old.db_column != operation.field.db_column:
        return f"old code knows {model}.{operation.name} as another column ({type(old).__name__})"
    if operation.field.unique and not old.unique:
        return f"old code may write the same twice into {model}.{operation.name}"
    if old.null and not operation.field.null:
        return f"old code may write NULL into {model}.{operation.name}"
    longest, was = getattr(operation.field, "max_length", None), getattr(old, "max_length", None)
    if longest is not None and (was is None or longest < was):
        return f"old code may write longer texts into {model}.{operation.name}"
    return ""
