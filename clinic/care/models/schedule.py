"""When cron's commands last ran."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from regions.models import Region


class CommandState(models.Model):
    """A command of a region, or of all: when it last began and ended well. `since`: from when on it is expected."""

    command = models.CharField(max_length=60, editable=False)
    region = models.ForeignKey(Region, models.CASCADE, null=True, related_name="+", editable=False)
    since = models.DateTimeField(default=timezone.now, editable=False)
    began_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False, help_text="With exit status 0, or since it runs.")
    failed_at = models.DateTimeField(null=True, editable=False)
    status = models.SmallIntegerField(null=True, editable=False, help_text="The last exit status.")

    class Meta:
        ordering = ("command", "region")
        verbose_name = "scheduled command"
        constraints = (
            models.UniqueConstraint(fields=("command", "region"), name="one_state_per_command_and_region"),
            models.UniqueConstraint(
                fields=("command",), condition=Q(region=None), name="one_state_per_command_of_all_regions"
            ),
        )

    def __str__(self) -> str:
        return f"{self.command} {self.pk}"
