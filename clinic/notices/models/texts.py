"""What the messages say, by region and language."""

from django.db import models

from clinic.notices.models.ledger import Kind
from clinic.notices.placeholders import validate_language, validate_text
from regions.models import Region


class Template(models.Model):
    """The texts of a kind of message: `short` by SMS and push, `subject` and `body` by e-mail; push has the subject.

    Where a region has none of a kind and language, the ones in clinic/notices/texts.py are sent.
    """

    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    language = models.CharField(
        max_length=35, validators=[validate_language], help_text="As en, es or es-MX; es serves es-MX as well."
    )
    subject = models.CharField(max_length=120, validators=[validate_text])
    short = models.CharField(
        max_length=480, validators=[validate_text], help_text="SMS and push. “Reply STOP to end.” is added to SMS."
    )
    body = models.TextField(max_length=4000, validators=[validate_text], help_text="The e-mail.")

    class Meta:
        ordering = ("region", "kind", "language")
        constraints = (
            models.UniqueConstraint(fields=("region", "kind", "language"), name="one_template_of_a_kind_and_language"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.language}"
