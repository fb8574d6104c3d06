"""The lab's report: one dictionary, as JSON for programs and as HTML that stands alone for people.

{"commit", "taken", "seed", "sizes", "command", "unfinished", "nights", "cases", "seal"}: `nights` has every digest of
each undisturbed night; a case has one digest of all before, when it was found broken, and after, and names what
differed; `unfinished` are the databases on which not every case has been tried.
`seal` is the digest of all the rest: a report that was edited by hand does not hold it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from backoffice.lab.night import Found, Size, differing, short

Json = dict[str, Any]
GROUPS = (
    ("harness", "The harness: T01 to T12"),
    ("others", "T11's edges, other faults and restarts"),
    ("commits", "Killed at every commit of a night"),
    ("undo", "Killed inside the undo of a night"),
)


def case_row(found: Found) -> Json:
    """A case as the report has it."""
    case, broken = found.case, _broken(found)
    return {
        "name": case.name, "what": case.what, "place": found.place, "group": group_of(found), "step": case.boundary,
        "lines": found.lines, "passed": found.passed, "wrong": found.wrong, "must_differ": case.differs,
        "ended": [_ended(told) for told in found.attempts],
        "evidence": [fact for told in found.attempts for fact in told["evidence"]],
        "undisturbed": short(found.undisturbed), "broken": short(broken), "after": short(found.after),
        "broken_in": differing(found.undisturbed, broken) if broken else [],
        "differs_in": differing(found.undisturbed, found.after),
        "restart_seconds": found.attempts[-1].get("seconds"),
    }  # fmt: skip


def group_of(found: Found) -> str:
    boundary = found.case.boundary
    if boundary:
        return "undo" if boundary == "undo" else "commits"
    return "harness" if found.case.name[:1] == "T" and found.case.name[1:].isdigit() else "others"


def _broken(found: Found) -> dict[str, str]:
    """What the last attempt found before it began."""
    told: dict[str, str] = found.attempts[-1].get("found") or {}
    return told


def _ended(told: Json) -> str:
    return ": ".join(filter(None, (told["status"], told.get("detail"))))


def night_row(place: str, night: Mapping[str, Any]) -> Json:
    """An undisturbed night: what every case of its kind has to come to."""
    snapshot = night["snapshot"]
    kept = {name: night[name] for name in ("lines", "every", "seconds")}
    return {"place": place, **kept, "commits": len(night["commits"]), "digest": short(snapshot), "digests": snapshot}


def made(
    *,
    taken: str,
    commit: str,
    seed: int,
    size: Size,
    command: str,
    nights: Iterable[Json],
    cases: Iterable[Json],
    unfinished: Sequence[str] = (),
) -> Json:
    """The whole, sealed."""
    report = {
        "title": "Failure lab", "commit": commit, "taken": taken, "seed": seed, "sizes": asdict(size),
        "command": command, "unfinished": list(unfinished), "nights": list(nights), "cases": list(cases),
    }  # fmt: skip
    return {**report, "seal": seal(report)}


def seal(report: Json) -> str:
    rest = {name: value for name, value in report.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def as_json(report: Json) -> str:
    """One case a line, so that two reports can be compared by eye."""
    lists = ("nights", "cases")
    head = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in report.items() if name not in lists]
    for name in lists:
        rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in report[name])
        head.append(f" {json.dumps(name)}: [\n  {rows}\n ]")
    return "{\n" + ",\n".join(head) + "\n}\n"


def read(path: Path) -> Json:
    report: Json = json.loads(path.read_text(encoding="utf-8"))
    return report


def as_html(report: Json) -> str:
    return render_to_string("lab/report.html", summary(report))


def write(report: Json, stem: Path) -> list[Path]:
    """STEM.json and STEM.html."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, text in ((".json", as_json(report)), (".html", as_html(report))):
        path = stem.with_name(stem.name + suffix)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def summary(report: Json) -> Json:
    """What the page and the HTML show: cases by place and group, sums, and the commits that were killed, by step."""
    places = list(dict.fromkeys(case["place"] for case in report["cases"]))
    return {
        "report": report,
        "passed": sum(case["passed"] for case in report["cases"]),
        "failed": [case for case in report["cases"] if not case["passed"]],
        "sums": [_sums(report, place) for place in places],
        "sections": [_section(report, key, title) for key, title in GROUPS],
        "boundaries": _by_step(report, places),
        "places": places,
    }


def _sums(report: Json, place: str) -> Json:
    mine = [case for case in report["cases"] if case["place"] == place]
    counts = [
        (sum(case["passed"] for case in mine if case["group"] == key), sum(case["group"] == key for case in mine))
        for key, _ in GROUPS
    ]
    seconds = [case["restart_seconds"] for case in mine if case["group"] == "harness" and case["restart_seconds"]]
    return {"place": place, "counts": counts, "longest": max(seconds, default=None)}


def _section(report: Json, key: str, title: str) -> Json:
    cases = [{**case, "facts": [_in_words(fact) for fact in case["evidence"]]} for case in report["cases"]
             if case["group"] == key]  # fmt: skip
    return {"key": key, "title": title, "cases": cases, "folded": key in ("commits", "undo")}


def _in_words(fact: Json) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fact.items() if value != "")


def _by_step(report: Json, places: list[str]) -> list[Json]:
    """How many commits of each step were died at, by place; two cases each, before and after."""
    cases = [case for case in report["cases"] if case["group"] in ("commits", "undo")]
    steps = list(dict.fromkeys(case["step"] for case in cases))
    rows = []
    for step in steps:
        of_step = [[case for case in cases if case["step"] == step and case["place"] == place] for place in places]
        rows.append({"step": step, "counts": [(sum(c["passed"] for c in some), len(some)) for some in of_step]})
    return rows
