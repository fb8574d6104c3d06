"""The parameters of recovery, in the API's schema: what clinic.jobs.recovery_parameters takes."""

from typing import Any

from backoffice.rest.openapi import add_parameters, object_of
from clinic.jobs import MODES, MOST_ROWS

NAME = "RecoverServicesParameters"
DAY = {"type": "string", "format": "date"}
ALWAYS = {
    "mode": {
        "type": "string",
        "enum": list(MODES),
        "default": MODES[0],
        "description": "preview writes nothing upstream.",
    },
    "chunk": {"type": "integer", "minimum": 1, "maximum": 200, "default": 200, "description": "Appointments a commit."},
}
WINDOW = {"type": "integer", "minimum": 1, "maximum": 36_600, "default": 7, "description": "Days a window."}
ONLY = {
    "rows": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": MOST_ROWS},
    "failures_of": {"type": "integer", "description": "A run: the appointments that failed in it."},
    "blocked_by": {"type": "string", "pattern": "^[a-z_]{1,40}:[A-Za-z0-9_-]{1,100}$"},
}


PARAMETERS = {
    "description": "Which appointments: a range of days, the last days, or single ones. Days are the region's.",
    "anyOf": [
        object_of(
            {"from": DAY, "to": DAY, "window": WINDOW, **ALWAYS},
            ("from", "to"),
            "from is included, to is not; 1900 to 2200.",
        ),
        object_of(
            {"days": {"type": "integer", "minimum": 1, "maximum": 36_600}, "window": WINDOW, **ALWAYS},
            ("days",),
            "So many days, the last of them yesterday.",
        ),
        *(
            object_of({"only": object_of({name: kind}, (name,), ""), **ALWAYS}, ("only",), "Single appointments.")
            for name, kind in ONLY.items()
        ),
    ],
}


def describe_parameters(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular."""
    return add_parameters(result, NAME, PARAMETERS)
