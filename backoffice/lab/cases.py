"""What is broken, where, and how the night goes on. Record numbers are of 280,000 lines, scaled to the night's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backoffice.lab.shape import AMOUNTS, FORTY_SEVEN, TWICE, UPDATES

NOMINAL = 280_000
Fault = dict[str, Any]
KILLED, ERRORED, FAILED, COMPLETE, UNDONE = "killed", "errored", "failed", "complete", "undone"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One process: the night begun or continued, or its undo. `says` is what its last line must hold."""

    do: str = "night"
    fault: Fault | None = None
    from_step: str = ""
    ends: str = COMPLETE
    says: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """`every`: commit frequency by step, below 1 as a share of the lines. `proof`: facts that the faults must have
    left, True for any that is not nothing.

    `small`: on the night of the boundaries. `differs`: the lab is to see that something is wrong.
    """

    name: str
    what: str
    attempts: Sequence[Attempt]
    small: bool = False
    every: Mapping[str, float] = field(default_factory=dict)
    proof: Mapping[str, Any] = field(default_factory=dict)
    differs: bool = False
    boundary: str = ""  # the step whose commit it is


def broken(fault: Fault, *then: Attempt, ends: str = KILLED) -> tuple[Attempt, ...]:
    return (Attempt(fault=fault, ends=ends), *(then or (Attempt(),)))


def killed(name: str, step: str, record: int) -> Case:
    """SIGKILL inside the transaction of the checkpoint that holds the record."""
    fault = {"kind": "kill", "step": step, "phase": "commit", "record": record}
    return Case(name=name, what=f"killed in {step} at record {record:,}", attempts=broken(fault))


# The harness of S2-32 and S2-33.
HARNESS = (
    killed("T01", "extract", 50_000), killed("T02", "extract", 250_000), killed("T03", "validate", 100_000),
    killed("T04", "validate", 250_000), killed("T05", "enrich", 75_000), killed("T06", "enrich", 200_000),
    killed("T07", "price", 50_000), killed("T08", "price", 200_000), killed("T09", "adjudicate", 30_000),
    killed("T10", "adjudicate", 150_000), killed("T11", "adjudicate", 250_000), killed("T12", "remit", 100_000),
)  # fmt: skip

ACTED = {"kind": "kill", "step": "adjudicate", "phase": "act", "when": "after"}
AT_HALF = {"kind": "kill", "step": "adjudicate", "phase": "commit", "record": 150_000}
ONE_CHECKPOINT = {"adjudicate": 0.18}  # holds all lines of either member of T11
OF_T11 = (
    Case(
        name="T11a", what="two updates of one field inside one checkpoint, killed before it was committed [S2-34]",
        attempts=broken({**ACTED, "member": TWICE}), every=ONE_CHECKPOINT, proof={"updates": 2},
    ),
    Case(
        name="T11b", what="a member with 47 updates inside one checkpoint, killed before it was committed [S2-34]",
        attempts=broken({**ACTED, "member": FORTY_SEVEN}), every=ONE_CHECKPOINT, proof={"updates": UPDATES},
    ),
    Case(
        name="T11c", what="the member's 47 updates over several checkpoints, killed in the second of them [S2-35]",
        attempts=broken({**ACTED, "member": FORTY_SEVEN, "nth": 2}), small=True, every={"adjudicate": 15},
    ),
    Case(
        name="T11d", what="every update in a checkpoint of its own, undone to the start of the step [S2-18]",
        attempts=broken({**ACTED, "member": TWICE, "nth": 2}, Attempt(from_step="adjudicate")), small=True,
        every={"adjudicate": 1},
    ),
    Case(
        name="wrong order", what="as T11d, undone forwards on purpose: the lab has to see $127.43 [S2-34]",
        attempts=broken(
            {**ACTED, "member": TWICE, "nth": 2}, Attempt(from_step="adjudicate", fault={"kind": "wrong_order"})
        ),
        small=True, every={"adjudicate": 1}, differs=True, proof={"cents_left": AMOUNTS[TWICE][0]},
    ),
)  # fmt: skip

OF_STEP_5 = (
    Case(
        name="act", what="killed after the accumulators were changed and before the checkpoint [S2-17]",
        attempts=broken({**ACTED, "record": 250_000}), proof={"accumulators": True},
    ),
    Case(
        name="images", what="killed between the before images and the accumulators [X-10]",
        attempts=broken({**AT_HALF, "phase": "intend", "when": "after_commit"}), proof={"images": True},
    ),
    Case(
        name="restore", what="killed again while the accumulators are put back [S2-17]",
        attempts=broken(
            {**ACTED, "record": 150_000},
            Attempt(fault={"kind": "kill", "step": "adjudicate", "phase": "settle", "when": "after"}, ends=KILLED),
            Attempt(),
        ),
    ),
    Case(
        name="earlier", what="an earlier step (enrich) restarted after a later one had begun [S2-20]",
        attempts=broken(AT_HALF, Attempt(from_step="enrich")),
    ),
)  # fmt: skip

OTHERS = (
    Case(
        name="2423", what="restarted in enrich by a key cut to the claim id [S2-26]",
        attempts=broken(
            {"kind": "kill", "step": "enrich", "phase": "commit", "record": 150_000},
            Attempt(fault={"kind": "cut_key"}, ends=FAILED, says="enriched has"), Attempt(from_step="enrich"),
        ),
    ),
    Case(
        name="first step", what="extract restarted after remit had begun [S2-20]",
        attempts=broken(
            {"kind": "kill", "step": "remit", "phase": "commit", "record": 100_000}, Attempt(from_step="extract")
        ),
    ),
    Case(
        name="disk", what="no room left for a file of enrich [S2-28]",
        attempts=broken({"kind": "disk", "step": "enrich", "phase": "prepare", "record": 100_000}, ends=FAILED),
    ),
    Case(
        name="verify", what="killed while price was verified [S2-25]",
        attempts=broken({"kind": "kill", "step": "price", "phase": "verify", "record": 0}),
    ),
    Case(
        name="table", what="a fee changed while the night was stopped: refused, then put back",
        attempts=broken(
            {"kind": "kill", "step": "price", "phase": "commit", "record": 150_000},
            Attempt(fault={"kind": "fee", "cents": 1}, ends=FAILED, says="fee_schedule has changed since price"),
            Attempt(fault={"kind": "fee", "cents": -1}),
        ),
    ),
)  # fmt: skip

# What only one of the two databases can suffer: that of the work, and that of the accumulators.
IN_PRICE = {"step": "price", "phase": "commit", "record": 100_000}
OF_WORK = {
    "PostgreSQL": (
        Case(
            name="deadlock", what="a deadlock during pricing, ours the victim [S2-04] [S2-28]",
            attempts=broken({"kind": "deadlock", **IN_PRICE}, ends=ERRORED), proof={"sqlstate": "40P01"},
        ),
        Case(
            name="connection", what="the server ends our connection during pricing",
            attempts=broken({"kind": "lost", **IN_PRICE}, ends=ERRORED), proof={"sqlstate": "57P01"},
        ),
        Case(
            name="connection 5", what="the server ends our connection in adjudicate, the accumulators changed already",
            attempts=broken({**AT_HALF, "kind": "lost"}, ends=ERRORED), proof={"sqlstate": "57P01"},
        ),
    ),
    "SQLite": (
        Case(
            name="deadlock", what="the write lock is not given in time during pricing [S2-04] [S2-28]",
            attempts=broken({"kind": "locked", **IN_PRICE, "phase": "prepare"}, ends=ERRORED),
        ),
        Case(
            name="full", what="no room left for the database during pricing [S2-28]",
            attempts=broken({"kind": "full", **IN_PRICE}, ends=ERRORED),
        ),
    ),
}  # fmt: skip
OF_ACCUMULATORS = {
    "PostgreSQL": (
        Case(
            name="other lost", what="the accumulators' server ends our connection while they are written [S2-21]",
            attempts=broken({**ACTED, "kind": "lost", "of": "accumulators", "record": 150_000}, ends=ERRORED),
            proof={"sqlstate": "57P01"},
        ),
    ),
    "SQLite": (),
}  # fmt: skip


def boundaries(commits: Sequence[Mapping[str, str]], every: int, *, step: str = "") -> Iterator[Case]:
    """SIGKILL right before and right after each commit of the whole night, or of one step; or of every so many."""
    for number, commit in list(enumerate(commits, 1))[::every]:
        if step in ("", commit["step"]):
            yield from _sides(f"commit {number} of {len(commits)}", number, commit, ("night",), ())


def undo_boundaries(commits: Sequence[Mapping[str, str]], every: int, *, anew: bool) -> Iterator[Case]:
    """The same for the undo of a night that was complete: it is undone again, and run; `anew`: only run."""
    for number, commit in list(enumerate(commits, 1))[::every]:
        then = () if anew else (Attempt(do="undo", ends=UNDONE),)
        words = "restarted at once" if anew else "undone again, run again"
        yield from _sides(f"undo {number} of {len(commits)}, {words}", number, commit, ("undo",), then)


def _sides(
    name: str, number: int, commit: Mapping[str, str], do: tuple[str], then: tuple[Attempt, ...]
) -> Iterator[Case]:
    for side in ("before", "after"):
        fault = {"kind": "boundary", "number": number, "side": side}
        first = (Attempt(),) if do == ("undo",) else ()
        yield Case(
            name=f"{name}, {side}", what=f"killed right {side} a {commit['what']} in {commit['database']}",
            attempts=(*first, Attempt(do=do[0], fault=fault, ends=KILLED), *then, Attempt()), small=True,
            boundary=commit["step"] if do == ("night",) else "undo",
        )  # fmt: skip
