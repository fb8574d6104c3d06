"""What endpoints raise beside REST framework's own exceptions, and the one shape in which every error is answered."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException


class Conflict(APIException):
    """What was asked cannot be done in the state that things are in; `run` is the run that stands in the way."""

    status_code = 409
    default_code = "conflict"

    def __init__(self, message: str, *, code: str = "conflict", run: dict[str, Any] | None = None) -> None:
        super().__init__(message, code)
        self.run = run


class Unavailable(APIException):
    """Something that the request needs is not there at the moment; the same request can succeed later."""

    status_code = 503
    default_code = "unavailable"


class KeyUsed(APIException):
    """The Idempotency-Key belongs to another request."""

    status_code = 422
    default_code = "key_used"
    default_detail = "This Idempotency-Key was used for another request."


class TooLarge(APIException):
    """The body is longer than any request of this API can be."""

    status_code = 413
    default_code = "too_large"


class BlockingRun(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.URLField()


class Error(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="One word for programs; it does not change.")
    message = serializers.CharField(help_text="One line for people.")
    fields = serializers.DictField(  # type: ignore[assignment]  # the name is part of the API
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="For 400: what is wrong, line by line, by the name of the field or parameter.",
    )
    run = BlockingRun(required=False, help_text="For 409: the run that stands in the way.")


class ErrorBody(serializers.Serializer[Any]):
    error = Error()
