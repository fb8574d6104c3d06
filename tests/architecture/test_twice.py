"""Every job says whether it may come twice (clinic.md: "Every job is idempotent or says that it is not")."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.utils.module_loading import import_string

from backoffice.runs.registry import JOBS, job_named
from backoffice.runs.repeating import Twice, twice_of
from tests.architecture.sources import ROOT, sources, tree

KINDS = {"idempotent", "billed", "maybe sent"}
ENQUEUES = {"enqueue", "enqueue_call", "enqueue_at", "enqueue_in", "enqueue_many"}
# Enqueues what a Call names; each Call is looked at where it is made.
OF_CALLS = {("clinic/events/publishing.py", "call.function")}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_says_whether_it_may_come_twice(name: str) -> None:
    is_said(job_named(name).twice)


def test_what_is_paid_for_or_leaves_the_house_says_that_it_is_not_idempotent() -> None:
    assert job_named("check_eligibility").twice.kind == "billed"
    assert job_named("submit_claims").twice.kind == "maybe sent"


def test_each_function_that_is_enqueued_says_whether_it_may_come_twice() -> None:
    found = sorted(set(enqueued()))
    assert {
        "backoffice.runs.kernel.work",
        "clinic.notices.jobs.send_region",
        "clinic.care.intakes.dumping.dump",
    } <= set(found)
    for name in found:
        import_string(name)
        twice = twice_of(name)
        assert twice is not None, f"{name} is enqueued, and does not say @safe_to_repeat(…)."
        is_said(twice)


def is_said(twice: Twice) -> None:
    """A word that is known, and half a sentence: it stands after a colon and before a full stop."""
    assert twice.kind in KINDS
    assert len(twice.how.split()) >= 4
    assert twice.how[0].islower()
    assert twice.how[-1].isalnum()


def enqueued() -> Iterator[str]:
    """The dotted paths of all that the product's files put on a queue."""
    for path in sources():
        if path.is_relative_to(ROOT / "tests"):
            continue
        for node in ast.walk(tree(path)):
            what = _what(node) if isinstance(node, ast.Call) else None
            if what is not None and (str(path.relative_to(ROOT)), ast.unparse(what)) not in OF_CALLS:
                yield _dotted(path, what)


def _what(node: ast.Call) -> ast.expr | None:
    """What a call puts on a queue: the first argument of a queue's enqueue, or the function of an event's Call."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in ENQUEUES and _is_queue(node.func.value):
        return node.args[0] if node.args else next(each.value for each in node.keywords if each.arg in ("f", "func"))
    if isinstance(node.func, ast.Name) and node.func.id == "Call":
        return next((each.value for each in node.keywords if each.arg == "function"), None)
    return None


def _is_queue(of: ast.expr) -> bool:
    """Not `self.enqueue(region)`, a command's own."""
    return not (isinstance(of, ast.Name) and of.id == "self")


def _dotted(path: Path, what: ast.expr) -> str:
    if isinstance(what, ast.Constant):
        return str(what.value)
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    value: Any = eval(ast.unparse(what), vars(module))
    return value if isinstance(value, str) else f"{inspect.getmodule(value).__name__}.{value.__qualname__}"  # type: ignore[union-attr]
