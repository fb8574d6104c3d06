"""What drf-spectacular cannot see by itself: the errors, and that unknown fields are refused."""

from typing import Any

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from backoffice.rest.errors import ErrorBody

MEANING = {
    400: "The request is not understood; `fields` says why, line by line.",
    401: "No token, or one that is unknown, expired or revoked.",
    403: "The token, or the role of its owner, does not allow this.",
    404: "There is no such thing in the token's regions.",
    405: "The path does not know this method.",
    409: "Not possible in the present state.",
    410: "It was there, and is not any more.",
    411: "The request lacks Content-Length.",
    412: "The protocol's version is not the one that is served.",
    413: "The body is too long.",
    415: "The body is not application/json.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests; Retry-After says when to ask again.",
    460: "The bytes are not those of the checksum.",
    503: "The queue cannot be reached; ask again later.",
}
ALWAYS = (401, 403, 405, 429)
EXAMPLES: dict[int, dict[str, Any]] = {
    400: {
        "code": "invalid",
        "message": "region: This field is required.",
        "fields": {"region": ["This field is required."]},
    },
    404: {"code": "not_found", "message": "No region of this token has that name."},
}


def errors(*statuses: int) -> dict[int, OpenApiResponse]:
    """The responses of an endpoint that can answer these, and those that every endpoint can."""
    return {status: _error(status) for status in sorted({*statuses, *ALWAYS})}


def _error(status: int) -> OpenApiResponse:
    examples = [OpenApiExample(str(status), value={"error": EXAMPLES[status]})] if status in EXAMPLES else []
    return OpenApiResponse(ErrorBody, description=MEANING[status], examples=examples)


def object_of(properties: dict[str, Any], required: tuple[str, ...] = (), description: str = "") -> dict[str, Any]:
    """An object without further properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "description": description,
    }


def add_parameters(result: dict[str, Any], name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The body that starts a run says what the parameters of one more job are; `name` is that of their schema."""
    schemas = result["components"]["schemas"]
    schemas[name] = parameters
    of_jobs = schemas["StartRun"]["properties"]["parameters"]
    known = of_jobs.get("anyOf", [])
    schemas["StartRun"]["properties"]["parameters"] = {
        "anyOf": [*known, {"$ref": f"#/components/schemas/{name}"}],
        "description": "Those of the job.",
    }
    return result


class StrictBody(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """A strict serializer's object has no further properties."""

    target_class = "backoffice.rest.strict.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class TextField(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """What a text has to have: something to be seen, and no NUL."""

    target_class = "backoffice.rest.strict.Text"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**schema, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}


class JsonObjectField(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Any JSON object, not any JSON."""

    target_class = "backoffice.rest.strict.JsonObject"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}
