"""pyx12 as a judge of 837P files: the guide's structure, formats and codes. It shares no code with the product."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pyx12.params
import pyx12.x12n_document


def faults(content: bytes) -> list[str]:
    """What pyx12 has against a file, one line each; empty if nothing. An exception of its is a fault as well.

    It is handed text: with a path or bytes it reads nothing and says yes.
    """
    report = io.StringIO()
    try:
        valid = pyx12.x12n_document.x12n_document(
            pyx12.params.params(), io.StringIO(content.decode("ascii")), None, None, fd_json=report
        )
    except Exception as error:
        return [f"pyx12 raised {type(error).__name__}"]
    found = list(_messages(json.loads(report.getvalue() or "{}")))
    return found if found or valid else ["pyx12 says that the file is not valid, and not why"]


def _messages(report: Any) -> Iterator[str]:
    """Every err_str below, with its code, in the report's order."""
    for part in report.values() if isinstance(report, dict) else report if isinstance(report, list) else ():
        yield from _messages(part)
    if isinstance(report, dict) and "err_str" in report:
        yield f"{report['err_cde']}: {report['err_str']}"
