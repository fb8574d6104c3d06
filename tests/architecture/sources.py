"""The product's own Python files, for the rules that hold for all of them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("backoffice", "regions", "clinic", "claims", "billing", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> list[Path]:
    """Every module but Django's migrations, which it writes itself."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return [ROOT / "manage.py", *sorted(path for path in found if path.parent.name != "migrations")]


@cache
def tree(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def lines_of(node: ast.stmt) -> int:
    """How many lines a definition takes, without its decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def functions() -> list[tuple[Path, Function]]:
    """Every function and method with its file."""
    return [
        (path, node)
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
