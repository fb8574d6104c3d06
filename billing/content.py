"""A claim as data, to JSON and back: what is encrypted in billing.models.Claim.content."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from claims.edi.claims import Claim

Json = dict[str, Any]


def stored(claim: Claim) -> Json:
    """JSON: money as text, days as ISO, what is at its default left out."""
    return _object(claim)


def claim_of(content: Mapping[str, Any]) -> Claim:
    """What `stored` was given."""
    return _loaded(Claim, content)  # type: ignore[no-any-return]


def _object(value: Any) -> Json:
    given = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _plain(one) for field, one in given if one != field.default}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _object(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal | date):
        return str(value)
    return value


def _loaded(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) is UnionType:
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    if get_origin(kind) is tuple:
        return tuple(_loaded(get_args(kind)[0], one) for one in value)
    if is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _loaded(hints[name], one) for name, one in value.items()})  # type: ignore[operator]
    return _LOADED.get(kind, lambda one: one)(value) if not issubclass(kind, StrEnum) else kind(value)


_hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)
_LOADED: dict[Any, Any] = {Decimal: Decimal, date: date.fromisoformat}
