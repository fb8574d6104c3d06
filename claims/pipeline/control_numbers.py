"""Numbers that are given out once: of claims that came as 837P, of 835s and of payments."""

from claims.models import ControlNumber


def take(name: str, how_many: int = 1) -> int:
    """The first of so many new numbers of that name, from 1. Inside the transaction that stores what bears them: what
    is rolled back gives its numbers back, and others wait until it is decided."""
    ControlNumber.objects.get_or_create(name=name)
    row = ControlNumber.objects.select_for_update().get(name=name)
    row.last += how_many
    row.save(update_fields=["last"])
    return row.last - how_many + 1
