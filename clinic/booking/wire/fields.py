"""Fields that several bodies share."""

import re
from datetime import UTC, datetime, time
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backoffice.rest.strict import WholeNumber

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
REGION_HELP = "A region of the token, by name; 404 for any other."
BIGGEST = 2**31 - 1
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][05]")


class Moment(serializers.DateTimeField):
    """A time with its zone, as 2026-03-02T08:00:00-06:00; from 2000 to 2099. It is given back in UTC."""

    default_error_messages = {"zone": "Say the time with its zone, from 2000 to 2099."}

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid", format="2026-03-02T08:00:00Z")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("zone")
        try:
            instant = value.astimezone(UTC)
        except OverflowError:
            self.fail("zone")
        if not EARLIEST <= instant < LATEST:
            self.fail("zone")
        return instant


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][05]$", "example": "08:30"})
class Clock(serializers.Field[time, str, str, Any]):
    """A time of the region's clock in steps of five minutes, as 08:30."""

    default_error_messages = {"invalid": "A time as 08:30, in steps of five minutes."}

    def to_internal_value(self, data: Any) -> time:
        if not isinstance(data, str) or not _CLOCK.fullmatch(data):
            self.fail("invalid")
        return time.fromisoformat(data)

    def to_representation(self, value: time) -> str:
        return f"{value:%H:%M}"


class Id(WholeNumber):
    """The number of a row."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": BIGGEST, **options})


class Ids(serializers.ListField):
    """A few numbers of rows."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": Id(), "max_length": 20, **options})
