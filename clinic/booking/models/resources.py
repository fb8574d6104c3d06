"""What is booked: resources, when they are open, and the types of appointment that need them."""

from datetime import time

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from regions.models import Region

CELL_MINUTES = 5
LONGEST_MINUTES = 12 * 60
STEPS = (5, 10, 15, 20, 30, 60)


def validate_cells(minutes: int) -> None:
    if minutes % CELL_MINUTES:
        raise ValidationError(f"This must be a multiple of {CELL_MINUTES} minutes.")


class Kind(models.TextChoices):
    PRACTITIONER = "practitioner"
    ROOM = "room"
    DEVICE = "device"


class Resource(models.Model):
    """Somebody or something that one appointment at a time can have. `code` names it in its region for good."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    active = models.BooleanField(default=True, help_text="Whether it can be booked; what is booked stays.")

    class Meta:
        ordering = ("region", "kind", "code")
        constraints = (models.UniqueConstraint(fields=("region", "code"), name="one_resource_of_a_code"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class WeeklyHours(models.Model):
    """From when to when a resource is open on a day of each week, in the region's time; 00:00 as the end is 24:00.

    Hours that meet are one: a night is written as two rows.
    """

    class Day(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(choices=Day.choices)
    begins = models.TimeField()
    ends = models.TimeField(help_text="00:00 is the end of the day.")
    valid_from = models.DateField(null=True, blank=True, help_text="The first day on which they hold; empty: always.")
    valid_until = models.DateField(null=True, blank=True, help_text="The last day; empty: for good.")

    class Meta:
        ordering = ("resource", "weekday", "begins")
        verbose_name_plural = "weekly hours"

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.begins:%H:%M}-{self.ends:%H:%M}"

    def clean(self) -> None:
        validate_span(self.begins, self.ends)


class HoursException(models.Model):
    """Days on which the weekly hours do not hold: closed, or open (which wins); of one resource or of all."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    resource = models.ForeignKey(
        Resource,
        models.CASCADE,
        related_name="exceptions",
        null=True,
        blank=True,
        help_text="Empty: all of them.",
    )
    first_day = models.DateField()
    last_day = models.DateField()
    begins = models.TimeField(default=time(0))
    ends = models.TimeField(default=time(0), help_text="00:00 is the end of the day.")
    open = models.BooleanField(default=False, help_text="Open at these times; otherwise closed.")
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("first_day", "begins", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="exception_ends_after_begin"),
        )

    def __str__(self) -> str:
        return f"{'open' if self.open else 'closed'} {self.first_day} to {self.last_day}"

    def clean(self) -> None:
        validate_span(self.begins, self.ends)
        if all((self.first_day, self.last_day)) and self.last_day < self.first_day:
            raise ValidationError({"last_day": "This is before the first day."})
        if self.resource is not None and self.resource.region_id != self.region_id:
            raise ValidationError({"resource": "This is a resource of another region."})


def validate_span(begins: time | None, ends: time | None) -> None:
    """Times of a day that are no span, or do not lie on cells, are a ValidationError."""
    for name, value in (("begins", begins), ("ends", ends)):
        if value is not None and (value.minute % CELL_MINUTES or value.second or value.microsecond):
            raise ValidationError({name: f"This must be a multiple of {CELL_MINUTES} minutes."})
    if begins is not None and ends not in (None, time()) and ends <= begins:
        raise ValidationError({"ends": "This is not after the begin."})


class AppointmentType(models.Model):
    """What can be booked: how long it takes, what is kept free around it, and (`needs`) what it takes at once."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=120)
    minutes = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(CELL_MINUTES), MaxValueValidator(LONGEST_MINUTES), validate_cells]
    )
    minutes_before = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(240), validate_cells])
    minutes_after = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(240), validate_cells])
    step = models.PositiveSmallIntegerField(
        default=15,
        choices=[(each, f"{each} minutes") for each in STEPS],
        help_text="From one begin to the next.",
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("region", "code")
        constraints = (
            models.UniqueConstraint(fields=("region", "code"), name="one_type_of_a_code"),
            models.CheckConstraint(condition=Q(minutes__range=(CELL_MINUTES, LONGEST_MINUTES)), name="type_takes_time"),
        )

    def __str__(self) -> str:
        return self.name


class Need(models.Model):
    """One resource that a type takes: any active one of `kind`, or of `any_of` where some are named."""

    type = models.ForeignKey(AppointmentType, models.CASCADE, related_name="needs")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    any_of = models.ManyToManyField(Resource, related_name="+", blank=True)

    class Meta:
        ordering = ("type", "pk")

    def __str__(self) -> str:
        return self.kind
