"""Endpoints that other systems call without a token: what they send is signed."""

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from backoffice.rest.errors import TooLarge
from backoffice.rest.strict import MAX_BODY


class Signed(BasePermission):
    """The signature is all that is asked for; there is no other way in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method != "POST":
            raise MethodNotAllowed(str(request.method))
        return request.auth is not None


def refuse_long(request: Request) -> None:
    """TooLarge before the body is read to look at its signature."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if length.isdigit() and int(length) > MAX_BODY:
        raise TooLarge(f"The body is longer than {MAX_BODY} bytes.")
