"""The step that asks: one item per active record, its report and its money written down before the call.

Each call is billed and there is no idempotency key (contract X-17): what is asked twice is paid twice. The report of
the patient and month is the guard, by a unique constraint; docs/decisions/0088 says which states block the month.
"""

import hashlib
import time
from collections.abc import Iterator
from datetime import date
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from backoffice.adapters.eligibility import Checked, Eligibility, Inquiry, NotAsked, Unknown
from backoffice.adapters.http import pause_before
from backoffice.formats import today_in
from backoffice.runs.job import Chunk, Fault, Json, Result
from backoffice.runs.kernel import each
from backoffice.runs.models import LIVE, Failure, Resolution
from clinic.care.eligibility.answering import ASKED_WITH, apply_all
from clinic.care.eligibility.scope import Check
from clinic.care.eligibility.spend import give_back, reserve
from clinic.care.eligibility.work import (
    CAPPED,
    INCOMPLETE,
    REMOVED,
    REPORTED,
    UNDECIDED,
    Item,
    Work,
    reference_of,
    result_of,
)
from clinic.care.models import EligibilityInformation, EligibilityReport
from clinic.patients.locking import lock_all

State = EligibilityReport.State
TRIES = 3  # of what certainly was not taken


def chunks(check: Check, checkpoint: Json | None) -> Iterator[Chunk]:
    """Active records in order; before them, those that an earlier attempt has passed and could not ask."""
    after = int((checkpoint or {}).get("information", 0))
    rows = EligibilityInformation.objects.filter(region=check.region, active=True).order_by("pk")
    if check.only:
        rows = rows.filter(pk__in=check.only)
    owed = rows.filter(pk__lte=after, reports__month=check.month, reports__state=State.OPEN)
    waiting = iter(list(owed.select_related("patient")))
    while batch := list(islice(waiting, check.concurrency)):
        yield Chunk(data=batch, checkpoint={"information": after}, label="records that were not asked about")
    while batch := list(rows.filter(pk__gt=after).select_related("patient")[: check.concurrency]):
        after = batch[-1].pk
        yield Chunk(data=batch, checkpoint={"information": after}, label=f"record {after}")


def prepare(check: Check, chunk: Chunk) -> Result:
    """What the month has of each already."""
    check.go_on()
    patients = [information.patient_id for information in chunk.data]
    reports = {
        report.patient_id: report
        for report in EligibilityReport.objects.filter(patient__in=patients, month=check.month)
    }
    items = [Item(information=one, report=reports.get(one.patient_id)) for one in chunk.data]
    for item in items:
        item.outcome = _standing(item)
    return result_of(items, [item for item in items if not item.outcome])


def _standing(item: Item) -> str:
    """Why it is not asked about; empty where it is."""
    report = item.report
    if report is None or report.state == State.OPEN:
        return ""
    if report.state == State.UNKNOWN:
        return UNDECIDED
    if report.state == State.REJECTED and _is_corrected(item.information, report):
        return ""
    return REPORTED


def _is_corrected(information: EligibilityInformation, report: EligibilityReport) -> bool:
    """Whether what the payer has refused is something else by now: name, birth date or insurance."""
    now = _asked_with(information)
    return bool(report.answer.get(ASKED_WITH, now) != now)


def _asked_with(information: EligibilityInformation) -> str:
    """SHA-256 of what a payer is told of the patient; it is kept among what is encrypted."""
    patient = information.patient
    told = (
        patient.given_name, patient.family_name, patient.birth_date, information.member_id, information.payer_code,
        information.payer_name, information.provider_npi, information.provider_last_name,
    )  # fmt: skip
    return hashlib.sha256("\0".join(map(str, told)).encode()).hexdigest()


def intend(check: Check, result: Result) -> None:
    """Money, then the report: both are committed before the call. Who has neither does not ask, and no money is taken
    for whom no payer could find."""
    patients = lock_all(item.information.patient_id for item in result.intents)
    active = EligibilityInformation.objects.filter(patient__in=patients, active=True).in_bulk()
    for item in result.intents:
        if item.information.pk not in active:
            item.outcome = REMOVED
            continue
        # What is asked is how both stand now.
        item.information = active[item.information.pk]
        item.information.patient = patients[item.information.patient_id]
        if item.lacks:
            item.outcome, item.listed = INCOMPLETE, _is_listed(check, item)
        elif not reserve(check.region, check.month):
            item.outcome = CAPPED
        elif not _claimed(check, item):
            give_back(check.region, check.month)
            item.outcome = REPORTED


def _is_listed(check: Check, item: Item) -> bool:
    """Whether an earlier run has listed it and nobody has decided: cron comes every hour."""
    same = Failure.objects.filter(reference=reference_of(item), resolution=Resolution.OPEN, reason=item.lacks)
    return same.filter(run__region=check.region, run__job=check.run.job).exists()


def _claimed(check: Check, item: Item) -> bool:
    """Whether the month's report is this run's to ask for: made by it, or taken over by compare-and-set."""
    values = {"information": item.information, "run": check.run, "asked_at": timezone.now(), "code": ""}
    told = {ASKED_WITH: _asked_with(item.information)}
    if item.report is None:
        try:
            with transaction.atomic():
                item.report = EligibilityReport.objects.create(
                    region=check.region, patient=item.information.patient, month=check.month, answer=told, **values
                )
        except IntegrityError:
            return False
        return True
    mine = EligibilityReport.objects.filter(
        pk=item.report.pk, state=item.report.state, asked_at=item.report.asked_at, calls=item.report.calls
    )
    if not mine.update(state=State.ASKED, calls=F("calls") + 1, request_id=None, **values):
        return False
    item.report.refresh_from_db()
    item.report.answer = {**item.report.answer, **told}
    item.report.save(update_fields=["answer"])
    return True


def act(check: Check, result: Result) -> Result:
    items: list[Item] = result.rows.items
    asked = [item for item in items if not item.outcome]
    today = today_in(check.region.zone)
    inquiries = [_inquiry(item, today) for item in asked]
    answers = each(lambda one: ask(check.client, one), inquiries, concurrency=check.concurrency)
    for item, answer in zip(asked, answers, strict=True):
        # A fault of ours in the midst of a call: it may have been sent.
        checked = Unknown(code=answer.reason[:40]) if isinstance(answer, Fault) else answer
        item.came(checked)
        check.note(checked)
    return result_of(items)


def ask(client: Eligibility, inquiry: Inquiry) -> Checked:
    """Once; again only while pVerify certainly has not taken it and does not say that it never will."""
    checked = client.check(inquiry)
    for attempt in range(1, TRIES):
        if not isinstance(checked, NotAsked) or checked.permanent:
            break
        time.sleep(pause_before(attempt, checked.retry_after))
        checked = client.check(inquiry)
    return checked


def _inquiry(item: Item, today: date) -> Inquiry:
    patient, information = item.information.patient, item.information
    return Inquiry(
        payer_code=information.payer_code,
        payer_name=information.payer_name,
        provider_last_name=information.provider_last_name,
        provider_npi=information.provider_npi,
        date_of_service=today,
        first_name=str(patient.given_name),
        last_name=str(patient.family_name),
        birth_date=date.fromisoformat(patient.birth_date) if patient.birth_date else None,
        member_id=str(information.member_id),
        reference=str(item.report.pk) if item.report else "",
    )


def commit(check: Check, result: Result) -> None:
    work: Work = result.rows
    came = [(item.report, item.checked) for item in work.items if item.report is not None and item.checked is not None]
    apply_all([*((report, Unknown(code="worker_died")) for report in work.left), *came])


def settle(check: Check) -> Result:
    """What a worker that died was asking: perhaps asked, perhaps billed. It is not asked again by itself."""
    dead = Q(run__chain=check.run.chain) | ~Q(run__status__in=LIVE)
    left = EligibilityReport.objects.filter(dead, region=check.region, state=State.ASKED).select_related("region")
    return Result(rows=Work(left=list(left)))


def verify(check: Check) -> None:
    check.go_on()
