"""Every commit of a process's main thread, in every database: counted, or the place where it dies.

A commit is the end of an outermost transaction, or a statement that writes outside of one.
"""

import threading
from typing import Any

from django.db import connections
from django.db.transaction import Atomic

from backoffice.lab.evidence import note
from backoffice.lab.harm import die

WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "ANALYZE")
commits: list[dict[str, str]] = []
_step = ["start"]


def now_in(step: str) -> None:
    """What comes is that step's."""
    _step[0] = step


def count_commits(number: int = 0, side: str = "") -> None:
    """Count from here on; die right before or after the commit of that number."""
    leave = Atomic.__exit__

    def reached(alias: str, what: str, begun: str) -> None:
        if len(commits) == number and side == begun:
            note(kind="kill", commit=number, side=side, step=_step[0], database=alias, what=what)
            die()

    def counted(self: Atomic, kind: Any, error: Any, trace: Any) -> None:
        alias = self.using or "default"
        if connections[alias].savepoint_ids or kind is not None or _elsewhere():
            leave(self, kind, error, trace)
            return
        _add(alias, "transaction")
        reached(alias, "transaction", "before")
        leave(self, kind, error, trace)
        reached(alias, "transaction", "after")

    def written(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        connection, word = context["connection"], sql.split(maxsplit=1)[0].upper()
        if connection.in_atomic_block or word not in WRITES or _elsewhere():
            return execute(sql, parameters, many, context)
        _add(connection.alias, word)
        reached(connection.alias, word, "before")
        done = execute(sql, parameters, many, context)
        reached(connection.alias, word, "after")
        return done

    Atomic.__exit__ = counted  # type: ignore[method-assign]
    for connection in connections.all():
        connection.execute_wrappers.append(written)


def _elsewhere() -> bool:
    return threading.current_thread() is not threading.main_thread()


def _add(alias: str, what: str) -> None:
    commits.append({"step": _step[0], "database": alias, "what": what})
