"""Old code lives with each migration, for as long as an upgrade takes and after a roll-back."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import migrations, models

from backoffice import twophase
from backoffice.twophase import unsafe, unsafe_of_ours


def migration(name: str, *operations: Any, **fields: Any) -> migrations.Migration:
    made: type[migrations.Migration] = type(
        "Migration", (migrations.Migration,), {"operations": list(operations), **fields}
    )
    return made(name, "clinic")


FIRST = migration(
    "0001",
    migrations.CreateModel(
        "Visit",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=40, null=True)),
            ("place", models.CharField(max_length=40)),
        ],
    ),
)
ROOM = models.CharField(max_length=40)
UNSAFE = {
    "removed": migrations.RemoveField("visit", "note"),
    "renamed": migrations.RenameField("visit", "note", "remark"),
    "a model removed": migrations.DeleteModel("Visit"),
    "a model renamed": migrations.RenameModel("Visit", "Call"),
    "demanded": migrations.AlterField("visit", "note", models.CharField(max_length=40, default="")),
    "shorter": migrations.AlterField("visit", "place", models.CharField(max_length=20)),
    "of another type": migrations.AlterField("visit", "place", models.IntegerField()),
    "of another name in the table": migrations.AlterField(
        "visit", "place", models.CharField(max_length=40, db_column="where")
    ),
    "once only": migrations.AlterField("visit", "place", models.CharField(max_length=40, unique=True)),
    "a new one that must be given": migrations.AddField("visit", "room", models.CharField(max_length=40, default="")),
    "a new rule": migrations.AddConstraint("visit", models.UniqueConstraint(fields=("place",), name="one_of_a_place")),
    "within another": migrations.SeparateDatabaseAndState([migrations.RemoveField("visit", "note")], []),
}
SAFE = {
    "null": migrations.AddField("visit", "room", models.CharField(max_length=40, null=True)),
    "filled by the database": migrations.AddField("visit", "room", models.CharField(max_length=40, db_default="")),
    "many to many": migrations.AddField("visit", "others", models.ManyToManyField("clinic.Visit")),
    "longer": migrations.AlterField("visit", "place", models.CharField(max_length=80)),
    "of a wider type": migrations.AlterField("visit", "place", models.TextField()),
    "may be null": migrations.AlterField("visit", "place", models.CharField(max_length=40, null=True)),
    "an index": migrations.AddIndex("visit", models.Index(fields=("place",), name="visit_place")),
    "a table": migrations.CreateModel("Room", [("id", models.BigAutoField(primary_key=True)), ("code", ROOM)]),
}


@pytest.mark.parametrize("operation", UNSAFE.values(), ids=UNSAFE)
def test_what_old_code_could_not_live_with_is_refused(operation: Any) -> None:
    """Migrations in two phases."""
    (said,) = unsafe([FIRST, migration("0002", operation)], ["clinic"])
    assert said.startswith("clinic.0002: old code ")


@pytest.mark.parametrize("operation", UNSAFE.values(), ids=UNSAFE)
def test_a_note_that_says_since_when_it_is_safe_lets_it_pass_and_an_empty_one_does_not(operation: Any) -> None:
    noted = migration("0002", operation, safe_after="1.4: nothing reads it since")
    assert list(unsafe([FIRST, noted], ["clinic"])) == []
    assert len(list(unsafe([FIRST, migration("0002", operation, safe_after=" ")], ["clinic"]))) == 1


@pytest.mark.parametrize("operation", SAFE.values(), ids=SAFE)
def test_what_old_code_does_not_notice_passes(operation: Any) -> None:
    assert list(unsafe([FIRST, migration("0002", operation)], ["clinic"])) == []


@pytest.mark.parametrize(
    "operation",
    [migrations.RunSQL("SELECT 1"), migrations.RunPython(migrations.RunPython.noop)],
    ids=["SQL", "Python"],
)
def test_statements_of_ones_own_say_why_old_code_does_not_notice(operation: Any) -> None:
    (said,) = unsafe([FIRST, migration("0002", operation)], ["clinic"])
    assert said.startswith("clinic.0002: nobody knows")
    assert list(unsafe([FIRST, migration("0002", operation, safe_beside="reads alone")], ["clinic"])) == []
    beside = migration("0002", operation, UNSAFE["removed"], safe_beside="reads alone")
    assert len(list(unsafe([FIRST, beside], ["clinic"]))) == 1


def test_other_peoples_migrations_are_their_own_affair() -> None:
    assert list(unsafe([FIRST, migration("0002", UNSAFE["removed"])], ["claims"])) == []


def test_each_of_our_migrations_is_safe_for_old_code() -> None:
    assert unsafe_of_ours() == []


def test_migrate_refuses_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """`migrate` and `check --database` run the checks of databases first."""
    monkeypatch.setattr(twophase, "unsafe_of_ours", lambda: ["clinic.0002: old code could not"])
    found = [each for each in run_checks(tags=["database"], databases=["default"]) if each.id == "backoffice.E135"]
    assert [each.msg for each in found] == ["clinic.0002: old code could not"]
    assert "safe_after" in str(found[0].hint)
