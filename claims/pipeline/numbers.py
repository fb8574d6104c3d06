"""The numbers of records: night x 10^13 + partition x 10^9 + position, so that a key says where a row belongs, grows
as rows are appended, and refuses a record that is written twice."""

PARTITION = 10**9
NIGHT = 10**13


def base(night: int, partition: int) -> int:
    """The number before the first record of a night's partition."""
    return night * NIGHT + partition * PARTITION


def partition_of(seq: int) -> int:
    """The partition of a record's number, or of its partition's base."""
    return seq % NIGHT // PARTITION


def span(night: int, partition: int | None = None) -> tuple[int, int]:
    """The half-open range of numbers of a night, or of one partition of it."""
    if partition is None:
        return night * NIGHT, (night + 1) * NIGHT
    return base(night, partition), base(night, partition + 1)
