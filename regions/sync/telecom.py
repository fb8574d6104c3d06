"""A change of a patient's telecom as people read it: which entries went, which came, which stayed."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Sign = Literal["removed", "added", "kept"]
SAID = frozenset({"system", "value", "use", "rank", "period"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One entry of telecom, and what becomes of it. `text` is patient data."""

    sign: Sign
    text: str = field(repr=False)


def differences(before: Sequence[Any], after: Sequence[Any]) -> list[Line]:
    """What went, what came, then what stayed, each in its own order. An entry that was changed went and came."""
    old, new = [_canonical(entry) for entry in before], [_canonical(entry) for entry in after]
    gone, came = Counter(old) - Counter(new), Counter(new) - Counter(old)
    return [
        *_lines("removed", before, old, gone),
        *_lines("added", after, new, came),
        *_lines("kept", after, new, Counter(new) & Counter(old)),
    ]


def _lines(sign: Sign, entries: Sequence[Any], texts: Sequence[str], wanted: Counter[str]) -> list[Line]:
    left = wanted.copy()
    found = []
    for entry, text in zip(entries, texts, strict=True):
        if left[text] > 0:
            left[text] -= 1
            found.append(Line(sign=sign, text=said(entry)))
    return found


def said(entry: Any) -> str:
    """mobile phone +628123456789, rank 1, until 2026-11-25; what FHIR's other elements hold is only counted."""
    if not isinstance(entry, dict):
        return "an entry that is no object"
    kind = " ".join(str(entry[name]) for name in ("use", "system") if entry.get(name))
    parts = [f"{kind or 'contact'} {entry.get('value') or 'without a value'}"]
    if "rank" in entry:
        parts.append(f"rank {entry['rank']}")
    period = entry.get("period")
    if isinstance(period, dict):
        parts += [f"{word} {period[name]}" for name, word in (("start", "since"), ("end", "until")) if name in period]
    if more := len(entry.keys() - SAID):
        parts.append(f"and {more} more {'element' if more == 1 else 'elements'}")
    return ", ".join(parts)


def _canonical(entry: Any) -> str:
    return json.dumps(entry, sort_keys=True, default=str)
