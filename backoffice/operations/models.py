"""What people on call have ordered. The audit log has each of these as well, with who and from where."""

from django.conf import settings
from django.db import models


class PausedQueue(models.Model):
    """Workers take nothing from this queue until somebody resumes it."""

    name = models.CharField(max_length=50, unique=True)
    since = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=200)

    class Meta:
        verbose_name = "paused queue"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """One press of a button: what was to happen to what. Rows are only added."""

    class Kind(models.TextChoices):
        RESTART = "restart", "restart"
        PAUSE = "pause", "pause"
        RESUME = "resume", "resume"
        REQUEUE = "requeue", "run again"
        FORGET = "forget", "take off the list"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    target = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.target}"
