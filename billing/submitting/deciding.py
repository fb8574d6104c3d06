"""What a person decides of a batch that may or may not have arrived."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from backoffice.runs.faults import Misuse
from billing.events import record
from billing.models import Batch, ClaimEvent
from billing.submitting.uploading import claims_of, uploaded_events
from claims.edi.status import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def arrived(batch: Batch, user: "User") -> None:
    """It is at the clearinghouse: its claims are uploaded, and the clock of answers runs."""
    with transaction.atomic():
        _decided(batch, Batch.State.UPLOADED, f"Confirmed by {user.get_username()}.", (Batch.State.UNCONFIRMED,))
        record(uploaded_events(batch))


def send_again(batch: Batch, user: "User") -> None:
    """It is not there: the next submission sends the same bytes, under the same numbers."""
    with transaction.atomic():
        _decided(
            batch, Batch.State.BATCHED, f"To be sent again, says {user.get_username()}.", (Batch.State.UNCONFIRMED,)
        )


def give_up(batch: Batch, user: "User") -> None:
    """It is not there and will not be sent: its claims are as those of a failed file, to be made again as new ones."""
    with transaction.atomic():
        _decided(
            batch,
            Batch.State.FAILED,
            f"Given up by {user.get_username()}.",
            (Batch.State.BATCHED, Batch.State.UNCONFIRMED),
        )
        record(
            ClaimEvent(
                claim_id=pk, key=f"given up {batch.pk}", state=State.FILE_FAILED, document_id=batch.document_id,
                says="The file was given up.", made_by=user,
            )
            for pk in claims_of(batch).values_list("pk", flat=True).iterator()
        )  # fmt: skip


def _decided(batch: Batch, state: Batch.State, detail: str, before: tuple[Batch.State, ...]) -> None:
    """Misuse where the batch is not, or is no longer, open for it: an answer may have come meanwhile."""
    values = {"state": state, "detail": detail}
    if state == Batch.State.UPLOADED:
        values["uploaded_at"] = batch.uploaded_at or timezone.now()  # type: ignore[assignment]
    if not Batch.objects.filter(pk=batch.pk, state__in=before).update(**values):
        batch.refresh_from_db()
        raise Misuse(f"Batch {batch.control:09d} is {batch.get_state_display()}: nothing is to be decided of it.")
