"""What is broken, where, and how the night goes on. Record numbers are of 280,000 lines, scaled to the night's own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

NOMINAL = 280_000
Fault = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault in the first attempt, and the attempts that follow; the last one has to complete the night."""

    name: str
    what: str
    fault: Fault
    then: tuple[dict[str, Any], ...] = ({},)
    says: str = ""  # what an attempt in between has to fail with
    settings: dict[str, int] = field(default_factory=dict)


def killed(name: str, step: str, record: int, what: str = "") -> Case:
    """SIGKILL inside the transaction of the checkpoint that holds the record."""
    fault = {"kind": "kill", "step": step, "phase": "commit", "record": record}
    return Case(name=name, what=what or f"killed in {step} at record {record:,}", fault=fault)


# The harness of S2-32 and S2-33.
HARNESS = (
    killed("T01", "extract", 50_000), killed("T02", "extract", 250_000), killed("T03", "validate", 100_000),
    killed("T04", "validate", 250_000), killed("T05", "enrich", 75_000), killed("T06", "enrich", 200_000),
    killed("T07", "price", 50_000), killed("T08", "price", 200_000), killed("T09", "adjudicate", 30_000),
    killed("T10", "adjudicate", 150_000), killed("T11", "adjudicate", 250_000), killed("T12", "remit", 100_000),
)  # fmt: skip

OTHERS = (
    Case(
        name="T11a", what="killed after the accumulators were changed and before the checkpoint [S2-34]",
        fault={"kind": "kill", "step": "adjudicate", "phase": "act", "when": "after", "record": 250_000},
    ),
    Case(
        name="T11b", what="the same, where one checkpoint holds every change of a member [S2-35]",
        fault={"kind": "kill", "step": "adjudicate", "phase": "act", "when": "after", "record": 150_000},
        settings={"adjudicate": 50_000},
    ),
    Case(
        name="images", what="killed between the before images and the accumulators [X-10]",
        fault={"kind": "kill", "step": "adjudicate", "phase": "intend", "when": "after_commit", "record": 150_000},
    ),
    Case(
        name="2423", what="restarted in enrich by a key cut to the claim id [S2-26]",
        fault={"kind": "kill", "step": "enrich", "phase": "commit", "record": 150_000},
        then=({"fault": {"kind": "cut_key"}}, {"from_step": "enrich"}), says="enriched has",
    ),
    Case(
        name="earlier", what="an earlier step restarted after a later one has begun [S2-20]",
        fault={"kind": "kill", "step": "adjudicate", "phase": "commit", "record": 150_000},
        then=({"from_step": "enrich"},),
    ),
    Case(
        name="disk", what="no room for a file (RLIMIT_FSIZE) in enrich",
        fault={"kind": "disk", "step": "enrich", "phase": "prepare", "record": 100_000},
    ),
    Case(
        name="verify", what="killed while the step is verified",
        fault={"kind": "kill", "step": "price", "phase": "verify", "record": 0},
    ),
)  # fmt: skip


# What only one of the two databases can suffer.
OF_DATABASE = {
    "PostgreSQL": (
        Case(
            name="deadlock", what="a deadlock during pricing, ours the victim [S2-04] [S2-27]",
            fault={"kind": "deadlock", "step": "price", "phase": "commit", "record": 100_000},
        ),
        Case(
            name="database", what="the server ends our connection in adjudicate",
            fault={"kind": "database", "step": "adjudicate", "phase": "commit", "record": 100_000},
        ),
    ),
    "SQLite": (
        Case(
            name="deadlock", what="the write lock is not given in time during pricing [S2-04] [S2-27]",
            fault={"kind": "locked", "step": "price", "phase": "prepare", "record": 100_000},
        ),
    ),
}  # fmt: skip


def boundaries(count: int, every: int) -> Iterator[Case]:
    """SIGKILL right before and right after commits of the whole night: all of them, or every so many."""
    for number in range(1, count + 1, every):
        for side in ("before", "after"):
            fault = {"kind": "boundary", "number": number, "side": side}
            yield Case(
                name=f"commit {number} {side}", what=f"killed right {side} commit {number} of {count}", fault=fault
            )
