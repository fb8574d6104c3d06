"""Region, the tenant, and the tokens by which other systems use the API of some regions."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from backoffice.access import may, scoped
from backoffice.fields import EncryptedJSONField
from regions import keys
from regions.sync.models import PhoneRow as PhoneRow
from regions.sync.models import PhoneUpdate as PhoneUpdate
from regions.sync.models import UndeliverablePhone as UndeliverablePhone

TOKEN_MARK = "nw_"  # noqa: S105 (what every token begins with)
TOKEN_DAYS = 90

# The verb of a token → the verb that its owner's role must have (backoffice/access.py).
TOKEN_VERBS = {
    "runs:read": "see",
    "runs:start": "start_recovery",
    "runs:stop": "start_recovery",
    "missing:read": "see",
    "missing:resolve": "resolve",
    "claims:read": "see",
    "appointments:read": "see",
    "appointments:write": "resolve",
}

# The same verbs for people.
VERB_TITLES = {
    "runs:read": "see runs",
    "runs:start": "start runs",
    "runs:stop": "stop and restart runs",
    "missing:read": "see missing services",
    "missing:resolve": "resolve missing services",
    "claims:read": "see claims",
    "appointments:read": "see appointments",
    "appointments:write": "change appointments",
}


def validate_name(value: str) -> None:
    _validate(keys.name_problem(value))


def validate_time_zone(value: str) -> None:
    _validate(keys.time_zone_problem(value))


def validate_country(value: str) -> None:
    _validate(keys.country_problem(value))


def _validate(problem: str | None) -> None:
    if problem:
        raise ValidationError(f"This {problem}.")


class Region(models.Model):
    """One tenant: its connections, zone and limits. `name` never changes; what a file leaves out has its default.

    `row_id` is what its encrypted values are bound to. `env_sources` names the environment variable that a value was
    read from, so that an export can say `env:NAME` again.
    """

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=50, unique=True, validators=[validate_name])
    display_name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, validators=[validate_time_zone])
    country = models.CharField(max_length=2, blank=True, validators=[validate_country])
    pace = models.JSONField(default=dict, blank=True, help_text="Requests per second, by kind; no key, no limit.")
    fhir = models.JSONField(default=dict, blank=True, help_text="How its FHIR server wants to be asked.")
    clearinghouse = models.JSONField(default=dict, blank=True, help_text="Where its claims go, and from whom.")
    concurrency_per_run = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(1), MaxValueValidator(keys.MAX_CONCURRENCY)]
    )
    filing_days = models.PositiveSmallIntegerField(
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(keys.MAX_FILING_DAYS)],
        help_text="Days after the visit within which payers accept a claim.",
    )
    collection_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal("100.00"),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Share of the billed price that is collected, on average.",
    )
    deployment = models.JSONField(default=dict, blank=True, help_text="What the region's manifest is made from.")
    env_vars = EncryptedJSONField(identity="row_id", default=dict)
    env_sources = models.JSONField(default=dict, editable=False)
    paused = models.BooleanField(default=False, help_text="While it is set, no job of the region starts.")
    staff = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="regions", blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(concurrency_per_run__range=(1, keys.MAX_CONCURRENCY)), name="region_concurrency_in_range"
            ),
            models.CheckConstraint(
                condition=Q(collection_percent__range=(0, 100)), name="region_collection_percent_in_range"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def get_additional_data(self) -> dict[str, int]:
        """What the audit log keeps beside a change: whose auditors may read it."""
        return {"region": self.pk}


class RegionVersion(models.Model):
    """A region's configuration as it was made at one moment; the newest is the present one (regions/history.py).

    `document`: {"file": the region file with every secret in clear, "env_sources"}, encrypted as a whole.
    """

    class Origin(models.TextChoices):
        BEFORE = "before", "as it was found"
        FILE = "file", "region file"
        ADMIN = "admin", "admin"
        PUT_BACK = "put back", "put back"

    row_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="versions", editable=False)
    number = models.PositiveIntegerField(editable=False, help_text="From 1, for each region.")
    origin = models.CharField(max_length=10, choices=Origin.choices, editable=False)
    put_back = models.PositiveIntegerField(null=True, editable=False, help_text="The version that it was made of.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    document = EncryptedJSONField(identity="row_id", default=dict)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("region", "number"), name="one_version_per_region_and_number"),)

    def __str__(self) -> str:
        return f"version {self.number} of region {self.region_id}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime | None = None) -> "ApiTokenQuerySet":
        """Neither revoked nor expired, of an owner who may still sign in."""
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now(), owner__is_active=True)

    def with_text(self, text: str) -> "ApiTokenQuerySet":
        return self.filter(digest=digest_of(text))

    def issue(
        self,
        *,
        owner: User,
        name: str,
        regions: Iterable[Region],
        verbs: Iterable[str],
        expires_at: datetime | None = None,
    ) -> tuple["ApiToken", str]:
        """A new token, and its text, which is kept nowhere and can be shown this once."""
        text = new_token_text()
        token = self.create(
            owner=owner,
            name=name,
            verbs=sorted(set(verbs)),
            digest=digest_of(text),
            prefix=token_prefix(text),
            expires_at=expires_at or default_expiry(),
        )
        token.regions.set(regions)
        return token, text


def beyond_owner(owner: User, regions: Iterable[Region], verbs: Iterable[str]) -> list[str]:
    """What a token could not do because its owner may not, a line each: nobody should be given such a token."""
    seen = set(scoped(Region.objects.all(), owner, "").values_list("pk", flat=True))
    foreign = sorted(region.name for region in regions if region.pk not in seen)
    refused = sorted({verb for verb in verbs if not may(owner, TOKEN_VERBS[verb])})
    problems = [f"{owner.get_username()} has no access to region {', '.join(foreign)}."] if foreign else []
    return problems + ([f"The role of {owner.get_username()} does not allow {', '.join(refused)}."] if refused else [])


def new_token_text() -> str:
    return TOKEN_MARK + secrets.token_urlsafe(32)


def token_prefix(text: str) -> str:
    """By how much of its text a token is told from others in lists."""
    return text[: len(TOKEN_MARK) + 6]


def digest_of(text: str) -> str:
    """SHA-256 is enough for 256 random bits: there is nothing to guess that a slow hash would protect."""
    return hashlib.sha256(text.encode()).hexdigest()


def default_expiry() -> datetime:
    return timezone.now() + timedelta(days=TOKEN_DAYS)


class ApiToken(models.Model):
    """The right of another system to use some verbs in some regions, in its owner's name and never beyond the owner's.

    Only a hash of its text is kept. It always expires; it is revoked, never deleted, so that the audit log can name it.
    """

    name = models.CharField(max_length=100, help_text="The system that uses it.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=12, editable=False)
    verbs = models.JSONField(default=list)
    regions = models.ManyToManyField(Region, related_name="api_tokens")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=default_expiry)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    # Of a token that was made just now: its text, which no column holds.
    text = ""

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
