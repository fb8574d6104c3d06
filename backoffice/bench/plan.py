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
    sync_rows: int
    sync_sample: int
    sync_latencies: tuple[float, ...]
    sync_lengths: tuple[int, ...]
    sync_rounds: int
    edi_claims: tuple[int, ...]
    load_callers: int
    load_seconds: float
    load_bookings: int
    load_minutes: float
    load_practitioners: int
    load_patients: int
    load_days: int
    soak_minutes: float
    soak_per_second: float
    huge_lines: tuple[int, int]


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
    sync_rows=10_000,
    sync_sample=200,
    sync_latencies=(0, 50),
    sync_lengths=(1_000, 10_000, 100_000),
    sync_rounds=2,
    edi_claims=(1_000, 10_000, 100_000),
    load_callers=16,
    load_seconds=60,
    load_bookings=5_000,
    load_minutes=60,
    load_practitioners=20,
    load_patients=400,
    load_days=30,
    soak_minutes=60,
    soak_per_second=2,
    huge_lines=(2_800_000, 28_000_000),
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
    sync_rows=300,
    sync_sample=20,
    sync_latencies=(0, 50),
    sync_lengths=(200, 600),
    sync_rounds=1,
    edi_claims=(500, 2_000),
    load_callers=6,
    load_seconds=5,
    load_bookings=40,
    load_minutes=0.2,
    load_practitioners=4,
    load_patients=40,
    load_days=14,
    soak_minutes=1,
    soak_per_second=2,
    huge_lines=(1_000, 10_000),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where and on what to measure. `say` tells whoever waits what is being done."""

    folder: Path
    databases: Sequence[Database]
    sizes: Sizes
    say: Callable[[str], object]
