"""How a night is broken, inside the process that works it. Nothing of this is known to the pipeline."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from backoffice.lab.cases import NOMINAL
from backoffice.lab.commits import count_commits
from backoffice.lab.evidence import note
from backoffice.lab.harm import HAPPEN
from backoffice.lab.shape import TWICE
from backoffice.runs import kernel
from backoffice.runs.job import Job
from backoffice.runs.models import StepPart
from backoffice.runs.registry import job_named
from claims.models import Fee
from claims.pipeline import accumulators, files
from claims.pipeline.adjudicate import Adjudicated
from claims.pipeline.night import Work

JOB = "run_pipeline"


def arm(fault: dict[str, Any], lines: int, partitions: int) -> None:
    """Have the fault happen in this process, once."""
    if fault["kind"] in ALONE:
        ALONE[fault["kind"]](fault)
    else:
        armed = broken(job_named(JOB), fault, lines, partitions)
        setattr(kernel, "job_named", lambda name: armed)  # noqa: B010


def broken(job: Job, fault: dict[str, Any], lines: int, partitions: int) -> Job:
    """The job, one phase of one step of which meets the fault once, at the checkpoint that is due."""
    due = Due(fault, lines, partitions)

    def breaking(step: Any) -> Any:
        own = {name: getattr(step, name) for name in ("prepare", fault["phase"])}

        def prepare(opened: Any, chunk: Any) -> Any:
            due.look(opened, chunk)
            return meet(opened, chunk) if fault["phase"] == "prepare" else own["prepare"](opened, chunk)

        def meet(*arguments: Any) -> Any:
            if not due.now:
                return own[fault["phase"]](*arguments)
            due.now = False
            facts = {**due.facts, "step": step.name, "phase": fault["phase"], **_of_result(arguments)}
            return HAPPEN[fault["kind"]](lambda: own[fault["phase"]](*arguments), fault, facts, arguments[0])

        return replace(step, **{fault["phase"]: meet, "prepare": prepare})

    return replace(job, steps=tuple(breaking(step) if step.name == fault["step"] else step for step in job.steps))


class Due:
    """Whether it is time: at the record, which is counted within a part, or at the nth checkpoint with the member."""

    def __init__(self, fault: dict[str, Any], lines: int, partitions: int) -> None:
        # Members are spread evenly over the partitions.
        divided = partitions if fault["step"] in ("enrich", "price", "adjudicate") else 1
        self.member, self.left = fault.get("member"), fault.get("nth", 1)
        self.record = fault.get("record", 0) * lines / NOMINAL / divided
        self.now = fault["phase"] in ("verify", "settle")
        self.facts: dict[str, Any] = {}

    def look(self, opened: Any, chunk: Any) -> None:
        if self.now or self.left <= 0:
            return
        facts = {"partition": opened.partition, "checkpoint": opened.number, "record": int(chunk.done)}
        if self.member is None:
            self.left -= chunk.done >= self.record
        else:
            frame = chunk.data[0]
            facts["updates"] = frame.filter(frame["member_id"] == self.member).height
            self.left -= facts["updates"] > 0
        self.now = self.left <= 0
        self.facts = facts


def _of_result(arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Of a checkpoint of step 5: the before images it has written ahead for its block, the accumulators it changes."""
    rows = getattr(arguments[-1], "rows", None)
    if not isinstance(rows, Adjudicated):
        return {}
    ahead = {} if rows.images is None else {"images": rows.images.height}
    return {**ahead, "accumulators": rows.opened.height + len(rows.changed)}


def _cut_key(fault: dict[str, Any]) -> None:
    """The bug of [S2-26]: a restart that remembers the claim and not the line begins with the claim's first line."""

    def cut(work: Work) -> int:
        seq = int((work.part.checkpoint or {}).get("seq", 0))
        if work.part.step.name != "enrich" or not seq:
            return seq
        rows = [row for row in files.of_output(work.night, "enriched") if row.partition == work.partition]
        frame = files.load(rows[-1], ["seq", "claim_id"])
        first = int(frame.filter(frame["claim_id"] == frame["claim_id"][-1])["seq"][0])
        note(kind="restart key cut to the claim", partition=work.partition, lines_read_again=seq - first + 1)
        return first - 1

    Work.after = property(cut)  # type: ignore[assignment, method-assign]


def _change_fee(fault: dict[str, Any]) -> None:
    """One fee, by so many cents."""
    fee = Fee.objects.order_by("pk")[0]
    before = fee.fee
    Fee.objects.filter(pk=fee.pk).update(fee=before + Decimal(fault["cents"]) / 100)
    fee.refresh_from_db()
    note(kind="fee changed", before=str(before), after=str(fee.fee))


class Forwards:
    """Before images that are always read in the order in which they were written."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def order_by(self, key: str) -> Any:
        return self.rows.order_by(key.removeprefix("-"))

    def delete(self) -> Any:
        return self.rows.delete()


def _undo_forwards(fault: dict[str, Any]) -> None:
    images, restore = accumulators._images, accumulators.restore

    def restoring(part: StepPart, night: int, region: int, *, checkpoint: int) -> int:
        count = restore(part, night, region, checkpoint=checkpoint)
        standing = accumulators.stored(region, [TWICE])
        if checkpoint == 0 and count:
            left = sum(accumulators.read(fields).deductible for fields in standing.values())
            note(kind="undone forwards", partition=part.partition, images=count, cents_left=left)
        return count

    setattr(accumulators, "_images", lambda *arguments: Forwards(images(*arguments)))  # noqa: B010
    accumulators.restore = restoring


def _at_boundary(fault: dict[str, Any]) -> None:
    count_commits(fault["number"], fault["side"])


ALONE = {"boundary": _at_boundary, "cut_key": _cut_key, "fee": _change_fee, "wrong_order": _undo_forwards}
