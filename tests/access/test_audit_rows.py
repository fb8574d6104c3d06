"""Rows of the audit log are added, never changed or removed: the database itself refuses, whichever it is."""

import pytest
from auditlog.models import LogEntry
from django.db import IntegrityError, connection, transaction

from regions.models import Region
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db

REFUSAL = "rows of the audit log cannot be changed"


@pytest.fixture
def entry() -> LogEntry:
    return LogEntry.objects.get_for_object(RegionFactory.create()).get()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE auditlog_logentry SET object_repr = 'x'",
        "UPDATE auditlog_logentry SET actor_id = NULL",
        "DELETE FROM auditlog_logentry",
    ],
)
def test_the_database_refuses_to_change_or_remove_them(entry: LogEntry, statement: str) -> None:
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert LogEntry.objects.get(pk=entry.pk).object_repr == entry.object_repr


def test_the_database_refuses_its_other_ways_to_do_so(entry: LogEntry) -> None:
    statement = {
        "sqlite": "REPLACE INTO auditlog_logentry SELECT * FROM auditlog_logentry",
        "postgresql": "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE auditlog_logentry",
    }[connection.vendor]
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_django_cannot_change_them_either(entry: LogEntry) -> None:
    entry.object_repr = "x"
    for change in (entry.save, entry.delete, LogEntry.objects.all().delete):
        with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
            change()


def test_a_user_whom_the_log_names_cannot_be_deleted(entry: LogEntry) -> None:
    user = UserFactory.create()
    LogEntry.objects.create(content_type=entry.content_type, object_pk="1", object_repr="x", action=3, actor=user)
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        user.delete()


def test_rows_can_be_added(entry: LogEntry) -> None:
    Region.objects.get().delete()
    assert LogEntry.objects.count() == 2
