"""Where a trace is kept between two processes: a column of what the one writes and the other reads."""

from django.db import models


def traceparent_field() -> "models.CharField[str, str]":
    return models.CharField(
        max_length=55, blank=True, default="", db_default="", editable=False,
        help_text="Where its trace goes on (W3C); empty: nowhere.",
    )  # fmt: skip
