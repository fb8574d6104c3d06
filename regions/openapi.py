"""The parameters of the phone sync, in the API's schema: what regions.jobs.sync_parameters takes."""

from typing import Any

from backoffice.rest.openapi import add_parameters, object_of
from regions.jobs import MODES
from regions.sync.scope import PREVIEW, UNDO

NAME = "SyncPhonesParameters"
RUN = {"type": "integer", "minimum": 1}
MODE = {
    "type": "string",
    "enum": [MODES[0], PREVIEW],
    "default": MODES[0],
    "description": "preview writes nothing, and keeps what would be written.",
}
ROWS = {
    "type": "string",
    "pattern": "^[0-9]{1,7}:[0-9]{1,7}$",
    "description": "The first and the last row, as the sheet counts them; from 2 on.",
    "example": "2:500",
}
PARAMETERS = {
    "description": "Which rows of the region's sheet: all, some, or those that failed in a run; or a run to undo.",
    "anyOf": [
        object_of({"rows": ROWS, "mode": MODE}, (), "All rows where none are named."),
        object_of(
            {"only": object_of({"failures_of": RUN}, ("failures_of",)), "mode": MODE},
            ("only",),
            "Just the rows that failed in that run, wherever they are now.",
        ),
        object_of(
            {"mode": {"type": "string", "enum": [UNDO]}, "run": RUN},
            ("mode", "run"),
            "Puts back what that run has changed, where nobody has changed it since.",
        ),
    ],
}


def describe_parameters(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular."""
    return add_parameters(result, NAME, PARAMETERS)
