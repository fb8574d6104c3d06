"""claims/edi turns bytes into dataclasses and back, and could serve any program."""

import ast
import sys

from tests.architecture.sources import ROOT


def test_reading_and_writing_x12_needs_neither_django_nor_the_product() -> None:
    """Only the standard library and the package itself."""
    outside = set()
    for path in (ROOT / "claims" / "edi").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                outside |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                outside.add(node.module or ".")
    assert {name for name in outside if name.split(".")[0] not in sys.stdlib_module_names} == {
        name for name in outside if name == "claims.edi" or name.startswith("claims.edi.")
    }
