"""What a whole benchmark is, and what --quick makes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backoffice.bench.databases import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much each section takes on. Rounds alternate what is compared; the figures shown are medians over them."""

    rounds: int
    recovery_appointments: int
    latency_ms: float
    memory_appointments: tuple[int, ...]
    worklist_rows: tuple[int, int]
    page_repeats: int
    claims_lines: tuple[int, ...]
    loop_lines: int
    claims_rounds: int
    claims_huge: int = 0


WHOLE = Sizes(
    rounds=3,
    recovery_appointments=2_000,
    latency_ms=20,
    memory_appointments=(1_000, 20_000, 200_000),
    worklist_rows=(1_000, 1_000_000),
    page_repeats=7,
    claims_lines=(280_000, 2_800_000),
    loop_lines=20_000,
    claims_rounds=2,
)
QUICK = Sizes(
    rounds=1,
    recovery_appointments=120,
    latency_ms=5,
    memory_appointments=(60, 240),
    worklist_rows=(500, 2_000),
    page_repeats=2,
    claims_lines=(1_000, 6_000),
    loop_lines=1_000,
    claims_rounds=1,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where and on what to measure. `say` tells whoever waits what is being done."""

    folder: Path
    databases: Sequence[Database]
    sizes: Sizes
    say: Callable[[str], object]
