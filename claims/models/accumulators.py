"""What stands for a member and year, and the images that undo what a crash left there."""

from django.db import models
from django.utils import timezone

from claims.models.night import Night


class BeforeImage(models.Model):
    """One member, benefit year and checkpoint: the accumulators before their first and after their last change in it.

    The key is (night, partition, sequence) in one number; undo runs in strict reverse order of it [S2-18] [X-11].
    Written ahead, in a transaction of its own, before the accumulators are touched [X-10]. `before` is null where the
    member had no row for the year. `first` and `last` number the member's lines in this checkpoint.
    """

    id = models.BigIntegerField(primary_key=True, editable=False)
    member_id = models.TextField(editable=False)
    benefit_year = models.SmallIntegerField(editable=False)
    checkpoint_number = models.IntegerField(editable=False)
    before = models.TextField(null=True, editable=False)  # noqa: DJ001 (no row is not an empty one)
    after = models.TextField(editable=False)
    first = models.BigIntegerField(editable=False)
    last = models.BigIntegerField(editable=False)

    class Meta:
        indexes = (models.Index(fields=("member_id",), name="before_image_member"),)

    def __str__(self) -> str:
        return f"image {self.pk}"


class Accumulator(models.Model):
    """A member's year to date, in cents and visits: {"deductible_met": …, "out_of_pocket_met": …, "visits:OFFICE": …}.

    Lives in settings.ACCUMULATORS_DATABASE, which may be another database than the rest.
    """

    region_id = models.BigIntegerField(editable=False)
    member_id = models.TextField(editable=False)
    benefit_year = models.SmallIntegerField(editable=False)
    fields = models.TextField(editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("region_id", "member_id", "benefit_year"), name="one_accumulator"),
        )

    def __str__(self) -> str:
        return f"accumulator {self.pk}"


class AccumulatorFence(models.Model):
    """The fence of a step's part, in the database of the accumulators: an older worker changes nothing there."""

    part = models.BigIntegerField(primary_key=True, editable=False)
    fence = models.PositiveIntegerField(editable=False)

    def __str__(self) -> str:
        return f"fence {self.fence} of part {self.part}"


class Restoration(models.Model):
    """Accumulators that a restart or an undo has put back to `checkpoint`, 0 being the start of the night. To put back
    twice is to put back once; a restart that was killed has its row as well."""

    night = models.ForeignKey(Night, models.CASCADE, related_name="restorations", editable=False)
    partition = models.PositiveIntegerField(editable=False)
    checkpoint = models.PositiveIntegerField(editable=False)
    images = models.PositiveIntegerField(editable=False)
    members = models.PositiveIntegerField(editable=False, help_text="Members' benefit years among the images.")
    seconds = models.FloatField(editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"restoration {self.pk}"
