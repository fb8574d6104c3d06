"""Placeholders of templates: names in braces out of a short list, and nothing else that format strings could do."""

import re
from collections.abc import Mapping
from string import Formatter

from django.core.exceptions import ValidationError

NAMES = ("given_name", "clinic", "day", "time", "until")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class BadTemplate(ValueError):
    """The text has a placeholder that there is not; the message says which ones there are."""


def pieces_of(text: str) -> list[tuple[str, str | None]]:
    """(text, name that follows it or None), in order; BadTemplate for anything but {name} of NAMES."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError:
        raise BadTemplate(f"A brace has no partner. {_offer()}") from None
    for _, name, form, conversion in parsed:
        if name is not None and (name not in NAMES or form or conversion):
            raise BadTemplate(f"There is no such placeholder. {_offer()}")
    return [(literal, name) for literal, name, _, _ in parsed]


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced. What they are replaced with is not looked at again."""
    return "".join(literal + (values[name] if name else "") for literal, name in pieces_of(text))


def validate_text(text: str) -> None:
    """For a model's or a form's field."""
    try:
        pieces_of(text)
    except BadTemplate as bad:
        raise ValidationError(str(bad)) from None
    if "\0" in text:
        raise ValidationError("A text cannot have the NUL character.")


def validate_language(tag: str) -> None:
    if not LANGUAGE.fullmatch(tag):
        raise ValidationError("A language is written as en, es or es-MX.")


def _offer() -> str:
    return "Known are " + ", ".join(f"{{{name}}}" for name in NAMES) + "; a brace itself is written twice."
