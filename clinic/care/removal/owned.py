"""The tables with rows of a patient, in the order in which they can be deleted, and what of each is about a person.

A test compares it with the database: a new table that leads to a patient is decided about here. A STOP is a number's,
not a patient's, and is kept: whoever has the number gets no message until START.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model, QuerySet

from backoffice.formats import count
from clinic.booking.models import Appointment, Hold, LabOrder, Move, PosEvent, PosOrder, SampleEvent, WaitlistEntry
from clinic.care.models import (
    AppointmentComment,
    EligibilityInformation,
    EligibilityReport,
    Intake,
    IntakeQuestionnaireDatum,
    RetentionHold,
    StateCheck,
)
from clinic.notices.models import BedTimeEnrolment, Notice
from clinic.patients.models import Patient
from clinic.uploads.files import let_go
from clinic.uploads.models import Upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """`path` leads to the patient; `emptied`: encrypted columns, and numbers that others know the patient by, which an
    anonymous row does not have any more, and what they hold instead; `let_go`: what is kept of these rows outside the
    database goes, after the commit."""

    model: type[Model]
    path: str
    emptied: tuple[tuple[str, object], ...] = ()
    let_go: Callable[[QuerySet[Model]], None] = lambda rows: None

    def rows(self, patient: Patient) -> QuerySet[Model]:
        return self.model._default_manager.filter(**{self.path: patient.pk})

    @property
    def title(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    def counted(self, number: int) -> str:
        """1 lab order, 3 lab orders."""
        return count(number, str(self.model._meta.verbose_name), self.title)


OWNED = (
    Owned(model=IntakeQuestionnaireDatum, path="intake__patient", emptied=(("value", ""),)),
    Owned(model=Intake, path="patient", emptied=(("document", {}),)),
    Owned(model=AppointmentComment, path="appointment__patient", emptied=(("text", ""),)),
    Owned(model=EligibilityReport, path="patient", emptied=(("answer", {}),)),
    Owned(model=EligibilityInformation, path="patient", emptied=(("member_id", ""),)),
    Owned(model=Notice, path="patient", emptied=(("to", ""), ("body", ""))),  # with its history
    Owned(model=BedTimeEnrolment, path="patient"),
    Owned(model=StateCheck, path="appointment__patient"),
    Owned(model=WaitlistEntry, path="patient"),
    Owned(model=Hold, path="patient"),
    Owned(model=SampleEvent, path="order__appointment__patient", emptied=(("specimen", ""),)),
    Owned(model=LabOrder, path="appointment__patient", emptied=(("number", ""), ("accession", ""))),
    Owned(model=PosEvent, path="order__appointment__patient", emptied=(("payment", ""),)),
    Owned(model=PosOrder, path="appointment__patient", emptied=(("number", ""),)),
    Owned(model=Move, path="appointment__patient", emptied=(("why", ""),)),
    Owned(model=Upload, path="patient", emptied=(("metadata", ""),), let_go=let_go),  # with its file
    Owned(model=Appointment, path="patient", emptied=(("external_id", ""),)),
    Owned(model=RetentionHold, path="patient", emptied=(("reason", ""),)),
)
# Of the patient's own row.
PERSON = ("given_name", "family_name", "birth_date", "phone", "email", "push_token")
