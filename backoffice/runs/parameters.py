"""How a job reads what it was given: a day, a whole number. Misuse says in one line what it should have been."""

from datetime import date

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Json
from backoffice.runs.models import Run
from backoffice.runs.undone import is_undone


def day(raw: Json, name: str) -> date:
    """YYYY-MM-DD between the years 1900 and 2200; 20261121 and 2026-W47-6 are ISO 8601 as well, but not ours."""
    text = str(raw[name])
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise Misuse(f"{name} is a day, as 2026-11-21.")
    if not 1900 <= found.year <= 2200:
        raise Misuse(f"{name} lies between the years 1900 and 2200.")
    return found


def whole(raw: Json, name: str, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`; `default` where it is not given."""
    value = raw.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Misuse(f"{name} is a whole number from {least} to {most}.")
    return value


def refuse_unknown(raw: Json, *known: str) -> None:
    """Misuse for a parameter that is none of these."""
    if unknown := sorted(set(raw) - set(known)):
        says = f"Known are: {', '.join(known)}." if known else "This job has no parameters: leave them out."
        raise Misuse(f"Not known: {', '.join(unknown)}. {says}")


def gone_on_with(last: Run, stored: Json, given: Json) -> Json:
    """The parameters of a run that is gone on with: what is given itself of those stored, the others as it was begun.
    Misuse where something else is given than it was begun with, unless nothing of it stands."""
    said = {name: value for name, value in stored.items() if name in given}
    other = [f"{name} {value}" for name, value in last.parameters.items() if said.get(name, value) != value]
    if other and not is_undone(last):
        raise Misuse(f"{last.job} for {last.key} was begun with {', '.join(other)}; continue it with the same.")
    return {**last.parameters, **said}
