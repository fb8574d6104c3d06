"""An upload begins, is withdrawn, and is given up when nothing more of it comes."""

from django.db import transaction
from django.utils import timezone

from backoffice.audit import record_change
from backoffice.rest.errors import Conflict
from clinic.booking.models import Appointment
from clinic.patients.locking import lock
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient
from clinic.uploads.files import UNFINISHED, let_go
from clinic.uploads.models import Upload
from clinic.uploads.writing import expiry
from regions.models import Region

State = Upload.State
MOST_OPEN = 20
BATCH = 500
TOO_MANY = f"This patient has {MOST_OPEN} unfinished uploads: finish or withdraw one of them first."
FINISHED = "What has been checked belongs to the patient's record, and is not withdrawn."


def begin(patient: Patient, appointment: Appointment | None, length: int, metadata: str) -> Upload:
    """A row that waits for its bytes; Conflict where the patient has too many of them, NoSuchPatient."""
    with transaction.atomic():
        if lock(patient.pk) is None:
            raise NoSuchPatient
        now = timezone.now()
        if Upload.objects.filter(patient=patient, state=State.UPLOADING, expires_at__gt=now).count() >= MOST_OPEN:
            raise Conflict(TOO_MANY, code="too_many")
        return Upload.objects.create(
            region=patient.region, patient=patient, appointment=appointment, length=length, metadata=metadata,
            expires_at=expiry(),
        )  # fmt: skip


def withdraw(upload: Upload) -> None:
    """Its bytes go; the row stays until it is cleaned up. Conflict for one that has been checked."""
    with transaction.atomic():
        row = Upload.objects.filter(pk=upload.pk, state__in=UNFINISHED)
        if not row.update(state=State.WITHDRAWN):
            raise Conflict(FINISHED)
        let_go(Upload.objects.filter(pk=upload.pk))
        record_change(upload, {"state": (upload.state, State.WITHDRAWN.value)})


def forget_unfinished(region: Region) -> int:
    """Delete those that have expired and those that were withdrawn, with their files; how many. Safe to run twice."""
    over = Upload.objects.filter(
        region=region, state__in=(State.UPLOADING, State.WITHDRAWN), expires_at__lte=timezone.now()
    )
    number = 0
    while rows := list(over.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Of those that have not been gone on with meanwhile; from here on nobody can.
            over.filter(pk__in=rows).update(state=State.WITHDRAWN)
            mine = Upload.objects.filter(pk__in=rows, state=State.WITHDRAWN)
            let_go(mine)
            number += mine.delete()[0]
    return number
