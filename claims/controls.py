"""The control rows of a night, as pages and the API show them: one per step, with its figures by output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backoffice.runs.models import Run, StepState, StepStatus
from claims.models import Night, StepSetting


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """`dollars`: the hash total: billed up to enrich, allowed for price, paid from adjudicate on."""

    name: str
    records: int
    dollars: Decimal | None
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A step's row. `verified` is false while its figures are only what its checkpoints have counted so far.

    `seen`: the restart count of each predecessor when the step began. `changed`: those that have grown since, as
    {predecessor: (seen, now)}; the step begins anew when the night is restarted.
    """

    name: str
    program: str
    status: str
    records_in: int
    checkpoints: int
    restarts: int
    seen: dict[str, int]
    changed: dict[str, tuple[int, int]]
    outputs: Sequence[Output]
    verified: bool

    @property
    def seen_restarted(self) -> dict[str, int]:
        return {name: count for name, count in self.seen.items() if count}


def controls(states: Sequence[StepState]) -> list[Control]:
    """`states` have their parts prefetched."""
    programs = dict(StepSetting.objects.values_list("step", "program"))
    counts = {state.name: state.restart_count for state in states}
    return [_control(state, programs.get(state.name, ""), counts) for state in states]


def _control(state: StepState, program: str, counts: Mapping[str, int]) -> Control:
    parts = list(state.parts.all())
    sums: dict[str, int] = {}
    for part in parts:
        for name, value in part.totals.items():
            sums[name] = sums.get(name, 0) + int(value)
    verified = state.status == StepStatus.COMPLETE
    return Control(
        name=state.name, program=program, status=state.status, records_in=sums.get("in", 0),
        checkpoints=sum(part.checkpoint_number for part in parts), restarts=state.restart_count,
        seen=state.predecessors,
        changed={name: (seen, counts[name])
            for name, seen in state.predecessors.items()
            if counts.get(name, seen) != seen
        },
        outputs=_verified(state) if verified else _counted(sums), verified=verified,
    )  # fmt: skip


def _verified(state: StepState) -> list[Output]:
    return [
        Output(
            name=name, records=figures["count"], digest=figures.get("digest", ""),
            dollars=dollars(figures["cents"]) if "cents" in figures else None,
        )
        for name, figures in state.outputs.items()
    ]  # fmt: skip


def _counted(sums: dict[str, int]) -> list[Output]:
    names = [name.removeprefix("out.") for name in sums if name.startswith("out.")]
    return [
        Output(name=name, records=sums[f"out.{name}"], dollars=dollars(sums.get(f"cents.{name}", 0)), digest="")
        for name in names
    ]


def dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def last_runs(nights: Sequence[Night]) -> dict[object, Run]:
    """{chain: its last attempt}."""
    runs = Run.objects.filter(chain__in=[night.chain for night in nights]).select_related("region", "started_by")
    return {run.chain: run for run in runs.order_by("attempt")}
