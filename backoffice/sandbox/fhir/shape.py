"""What a FHIR server can and cannot do: servers differ, and all of these are seen in the field."""

from dataclasses import dataclass


@dataclass(kw_only=True)
class Shape:
    """May be changed while it serves. Sizes are the most that is taken; token_seconds is how long a token lasts."""

    batch: bool = True
    patch: bool = True
    if_match_in_patch: bool = True
    versions: bool = True
    page_size: int = 20
    max_entries: int = 1000
    max_bytes: int = 8_000_000
    too_large: int = 413  # the status; 403 comes with an OperationOutcome of too-costly
    token_seconds: float = 300.0

    def set(self, name: str, value: object) -> None:
        """Change one. Raises ValueError for an unknown name, TypeError for a value of another kind."""
        before = getattr(self, name, None)
        if before is None or callable(before):
            raise ValueError(f"{name!r} is none of {', '.join(vars(self))}")
        kinds = (int, float) if isinstance(before, float) else type(before)
        if not isinstance(value, kinds) or (isinstance(value, bool) and not isinstance(before, bool)):
            raise TypeError(f"{name}: {value!r} is not {type(before).__name__}")
        setattr(self, name, value)
