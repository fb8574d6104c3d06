"""The job of the queue intakes: an intake's answers become rows, once, and it takes its place among its versions.

It may come twice, as every job may: the state is looked at under the patient's lock, and the database refuses a second
row of an answer and a second version that stands (contract S3-09).
"""

from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from backoffice.runs.repeating import idempotent, safe_to_repeat
from clinic.care.intakes.answers import answers_of
from clinic.care.models import Intake, IntakeQuestionnaireDatum
from clinic.events.consumers import Call, Event
from clinic.patients.models import Patient

State = Intake.State
STANDING = (State.CURRENT, State.VOID)


def on_received(event: Event) -> Iterator[Call]:
    """The trigger of intake.received."""
    yield Call(queue="intakes", function="clinic.care.intakes.dumping.dump", argument=event.data["intake"])


@safe_to_repeat(idempotent("each answer is stored once"))
def dump(number: int) -> None:
    """Nothing for one that is dumped already, or whose patient was removed meanwhile."""
    with transaction.atomic():
        intake = Intake.objects.filter(pk=number).first()
        if intake is None:
            return
        list(Patient.objects.select_for_update().filter(pk=intake.patient_id).values_list("pk"))
        intake.refresh_from_db()
        if intake.state != State.RECEIVED:
            return
        IntakeQuestionnaireDatum.objects.bulk_create(_rows(intake), batch_size=200)
        _take_place(intake)


def _rows(intake: Intake) -> Iterator[IntakeQuestionnaireDatum]:
    for answer in answers_of(intake.document):
        yield IntakeQuestionnaireDatum(
            region_id=intake.region_id, intake=intake, link_id=answer.link_id, number=answer.number, kind=answer.kind,
            value=answer.value,
        )  # fmt: skip


def _take_place(intake: Intake) -> None:
    """The newest version stands, whatever the order in which they came; at the same time, the one that came later."""
    standing = Intake.objects.filter(patient=intake.patient_id, key=intake.key, state__in=STANDING).first()
    intake.dumped_at = timezone.now()
    if standing is not None and (standing.authored, standing.pk) > (intake.authored, intake.pk):
        intake.state, intake.superseded_by = State.SUPERSEDED, standing
    else:
        if standing is not None:
            standing.state, standing.superseded_by = State.SUPERSEDED, intake
            standing.save(update_fields=["state", "superseded_by"])
        intake.state = State.VOID if intake.status == "entered-in-error" else State.CURRENT
    intake.save(update_fields=["state", "superseded_by", "dumped_at"])
