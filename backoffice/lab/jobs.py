"""The lab as a job of the run kernel: a chunk is a case, so it is watched, stopped and restarted like every other.

It runs on SQLite files of its own in a folder that is gone at the end, whatever database the product itself is on.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backoffice.bench.databases import Sqlite
from backoffice.bench.machine import commit_of, taken_on
from backoffice.bench.processes import ROOT
from backoffice.lab.models import LabRow
from backoffice.lab.night import FAST, Lab, Size, laboratory
from backoffice.lab.places import places_on
from backoffice.lab.report import Json as Row
from backoffice.lab.report import case_row, made, night_row
from backoffice.runs.faults import Misuse
from backoffice.runs.job import Chunk, Fault, Job, Json, Result, Step
from backoffice.runs.models import Run, StepPart
from backoffice.runs.parameters import whole
from backoffice.runs.repeating import idempotent

NAME = "failure_lab"
MOST_SEED = 2**31


@dataclass(kw_only=True)
class Bench:
    """Opened for the part: a lab on each place."""

    part: StepPart
    labs: list[Lab]
    versions: list[str]
    seed: int


def parameters(region: Any, raw: Json) -> Json:
    """{seed} of the claims; the lab belongs to no region."""
    if region is not None:
        raise Misuse("The failure lab makes up its own claims; start it without a region, on its page in the admin.")
    if unknown := set(raw) - {"seed"}:
        raise Misuse(f"Not known: {', '.join(sorted(unknown))}. Known is: seed.")
    return {"seed": whole(raw, "seed", 1, 0, MOST_SEED)}


@contextmanager
def open_step(part: StepPart) -> Iterator[Bench]:
    seed = int(part.run.parameters["seed"])
    with ExitStack() as stack:
        where = stack.enter_context(TemporaryDirectory(prefix="nightward-lab-", ignore_cleanup_errors=True))
        database = Sqlite(Path(where) / "sqlite")
        places = stack.enter_context(places_on([database], Path(where), own=True))
        labs = [stack.enter_context(laboratory(place, FAST, seed, Path(where), _unheard)) for place in places]
        yield Bench(part=part, labs=labs, versions=[database.version], seed=seed)


def _unheard(line: str) -> None:
    """The page shows the last chunk's label instead."""


def chunks(bench: Bench, checkpoint: Json | None) -> Iterator[Chunk]:
    planned = [(lab, case) for lab in bench.labs for case in lab.cases()]
    done = int((checkpoint or {}).get("number", 0))
    for number, (lab, case) in enumerate(planned, 1):
        if number > done:
            label = f"{number} of {len(planned)} cases, the last one {case.name}"
            yield Chunk(
                data=(lab, case, number), checkpoint={"number": number}, done=number, of=len(planned), label=label
            )


def prepare(bench: Bench, chunk: Chunk) -> Result:
    """Break the night, restart it, judge it."""
    lab, case, number = chunk.data
    found = lab.run(case)
    failures = []
    if not found.passed:
        failures = [Fault(category="failed", reason="lab_case", reference=case.name, detail=found.wrong[:500])]
    return Result(
        read=1, outcomes=Counter({"passed" if found.passed else "failed": 1}), failures=failures,
        rows={"number": number, "case": case_row(found)},
    )  # fmt: skip


def commit(bench: Bench, result: Result) -> None:
    chain = bench.part.step.chain
    if not LabRow.objects.filter(chain=chain, kind=LabRow.Kind.HEAD).exists():
        LabRow.objects.create(chain=chain, kind=LabRow.Kind.HEAD, number=0, row=_head(bench))
    known = list(LabRow.objects.filter(chain=chain, kind=LabRow.Kind.NIGHT).values_list("row", flat=True))
    for lab in bench.labs:
        for night in lab.nights.values():
            row = night_row(lab.ground.place.name, night)
            # A restart repeats undisturbed nights, which take another time.
            if not any(row["place"] == other["place"] and row["every"] == other["every"] for other in known):
                LabRow.objects.create(chain=chain, kind=LabRow.Kind.NIGHT, number=len(known), row=row)
                known.append(row)
    LabRow.objects.create(chain=chain, kind=LabRow.Kind.CASE, number=result.rows["number"], row=result.rows["case"])


def _head(bench: Bench) -> Row:

    taken, commit = taken_on(ROOT, bench.versions), commit_of(ROOT)
    return {
        "taken": taken,
        "commit": commit,
        "seed": bench.seed,
        "sizes": asdict(FAST),
        "command": "started in the admin",
    }


def report_of(run: Run) -> Row | None:
    """The report of a run as far as it has come; None before its first case."""
    rows = list(LabRow.objects.filter(chain=run.chain).order_by("number"))
    heads = [each.row for each in rows if each.kind == LabRow.Kind.HEAD]
    if not heads:
        return None
    nights, cases = ([each.row for each in rows if each.kind == kind] for kind in (LabRow.Kind.NIGHT, LabRow.Kind.CASE))
    head = {name: value for name, value in heads[0].items() if name != "sizes"}
    return made(**head, size=Size(**heads[0]["sizes"]), nights=nights, cases=cases)


FAILURE_LAB = Job(
    name=NAME,
    title="Failure lab",
    twice=idempotent("it works on databases of its own, which are gone at its end"),
    queue="low",
    steps=(Step(name="cases", open=open_step, chunks=chunks, prepare=prepare, commit=commit),),
    outcomes=("passed", "failed"),
    parameters=parameters,
    key=lambda region, stored: "lab",
    items="cases",
)
