"""When appointments were looked at: at their time, and an hour after."""

from django.db import models
from django.utils import timezone

from clinic.booking.models import Appointment
from clinic.booking.states import State
from regions.models import Region


class StateCheck(models.Model):
    """The appointment was looked at `minutes` after the time that it had then; the row stops a second look.

    `state`: as it was found, `missed`: whether it was moved to missed because of that.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="checks", editable=False)
    begins = models.DateTimeField(editable=False)
    minutes = models.PositiveSmallIntegerField(editable=False)
    state = models.CharField(max_length=16, choices=State.choices, editable=False)
    missed = models.BooleanField(default=False, editable=False)
    checked_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("checked_at",), name="state_check_age"),)
        constraints = (
            models.UniqueConstraint(fields=("appointment", "begins", "minutes"), name="one_check_per_time_and_minutes"),
        )

    def __str__(self) -> str:
        return f"state check {self.pk}"
