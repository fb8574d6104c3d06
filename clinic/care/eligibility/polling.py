"""The step that polls: what payers had not answered yet, by request id. It costs nothing, and comes first."""

from collections.abc import Iterator

from backoffice.adapters.eligibility import Pending, Processed, Rejected
from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.kernel import each
from clinic.care.eligibility.answering import apply_all
from clinic.care.eligibility.scope import Check
from clinic.care.eligibility.work import Item, result_of
from clinic.care.models import EligibilityReport


def chunks(check: Check, checkpoint: Json | None) -> Iterator[Chunk]:
    """Pending reports of any month; of the records that the run is about, where it is about some."""
    after = int((checkpoint or {}).get("report", 0))
    rows = EligibilityReport.objects.filter(region=check.region, state=EligibilityReport.State.PENDING)
    if check.only:
        rows = rows.filter(information__in=check.only)
    rows = rows.select_related("region", "information").order_by("pk")
    while batch := list(rows.filter(pk__gt=after)[: check.concurrency]):
        after = batch[-1].pk
        yield Chunk(data=batch, checkpoint={"report": after}, label=f"report {after}")


def prepare(check: Check, chunk: Chunk) -> Result:
    check.go_on()
    numbers = [report.request_id for report in chunk.data]
    answers = each(check.client.poll, numbers, concurrency=check.concurrency)
    items = []
    for report, answer in zip(chunk.data, answers, strict=True):
        # What is no answer leaves it pending: the next run polls again.
        known = not isinstance(answer, Fault) and isinstance(answer, Processed | Rejected | Pending)
        item = Item(information=report.information, report=report)
        item.came(answer if known else Pending(request_id=report.request_id))  # type: ignore[arg-type]
        if not isinstance(answer, Fault):
            check.note(answer)
        items.append(item)
    return result_of(items)


def commit(check: Check, result: Result) -> None:
    apply_all([(item.report, item.checked) for item in result.rows.items], polled=True)


def verify(check: Check) -> None:
    check.go_on()
