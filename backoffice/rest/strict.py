"""Input that is taken at its word: what the schema does not describe is refused, and nothing in it can fail later."""

import json
import re
from typing import IO, Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

from backoffice.rest.errors import TooLarge

MAX_BODY = 65_536
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class StrictJSONParser(JSONParser):
    """JSON of at most 64 KiB without what databases and encoders choke on: NUL, lone surrogates, deep nesting."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise TooLarge(f"The body is longer than {MAX_BODY} bytes.")
        try:
            data = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
            json.dumps(data, ensure_ascii=False).encode("utf-8")
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError:
            raise ParseError("The body is not valid JSON in UTF-8.") from None
        if "\\u0000" in json.dumps(data):
            raise ParseError("The body holds a NUL character.")
        return data


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses what it does not know, by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            known = ", ".join(self.fields) or "none"
            raise ValidationError({name[:60]: [f"Unknown here. Known: {known}."] for name in unknown[:10]})
        return super().to_internal_value(data)


class Query(StrictSerializer):
    """A request's query parameters: none empty, none twice, none that the endpoint does not know."""

    @classmethod
    def of(cls, parameters: QueryDict) -> dict[str, Any]:
        """The values, checked; ValidationError (400) otherwise."""
        twice = [name for name in parameters if len(parameters.getlist(name)) > 1]
        if twice:
            raise ValidationError({name: ["Given more than once."] for name in twice})
        query = cls(data=parameters.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


class Text(serializers.CharField):
    """A string with something to be seen in it and no NUL: numbers are not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Pattern(Text, serializers.RegexField):
    """A string of this pattern."""


class Flag(serializers.BooleanField):
    """true or false: neither 0 nor "yes" stands for one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class IsoDate(serializers.DateField):
    """YYYY-MM-DD and no other spelling."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class WholeNumber(serializers.IntegerField):
    """A whole number: 5, never "5" in a body, 5.0 or true. A query's text is digits."""

    def __init__(self, *, in_query: bool = False, **options: Any) -> None:
        self.in_query = in_query
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if self.in_query:
            if not isinstance(data, str) or not re.fullmatch(r"[0-9]{1,18}", data):
                self.fail("invalid")
        elif type(data) is not int:
            self.fail("invalid")
        return int(data)


class MoneyText(Pattern):
    """Money as decimal text: up to 13 digits, and at most two behind the point."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9]{1,13}(\.[0-9]{1,2})?$", **options)


class JsonObject(serializers.JSONField):
    """A JSON object; what is in it is for somebody else to judge."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data
