"""How every error is answered: {"error": {"code", "message", "fields"?, "run"?}}, as errors.ErrorBody describes it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import server_error as html_server_error
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from backoffice.rest.errors import Conflict

API_ROOT = "/api/"
NO_SUCH_PATH = "There is nothing at this path. Every path ends with a slash; /api/v1/docs/ lists them."


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler, in our shape; None for what nobody expected, which is a 500."""
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, Http404):
        error = NotFound()
    if isinstance(error, ValidationError):
        response.data = {"error": _invalid(error)}
        return response
    code, message = "permission_denied", "This is not allowed."
    if isinstance(error, APIException):
        codes = error.get_codes()
        code, message = (codes if isinstance(codes, str) else error.default_code), _line(error.detail)
    response.data = {"error": {"code": code, "message": message}}
    if isinstance(error, Conflict) and error.run is not None:
        response.data["error"]["run"] = error.run
    return response


@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    """404 for whatever no endpoint answers, before Django's HTML page would."""
    return JsonResponse({"error": {"code": "not_found", "message": NO_SUCH_PATH}}, status=404)


def not_taken(fields: Mapping[str, list[str]]) -> HttpResponse:
    """400 before any endpoint has looked: {name: what is wrong with it}, at least one."""
    return JsonResponse({"error": _invalid(ValidationError(dict(fields)))}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: the API's shape below /api/, the page elsewhere. What went wrong is in the log, not in the answer."""
    if not request.path.startswith(API_ROOT):
        return html_server_error(request)
    message = "Something went wrong here. The log says what, under the id in the header X-Correlation-ID."
    return JsonResponse({"error": {"code": "internal", "message": message}}, status=500)


def _invalid(error: ValidationError) -> dict[str, Any]:
    fields: dict[str, list[str]] = {}
    for name, line in _lines("", error.detail):
        fields.setdefault(name or "body", []).append(line)
    lines = [f"{name}: {line}" for name, problems in fields.items() for line in problems]
    message = lines[0] if len(lines) == 1 else f"{len(lines)} problems; see fields."
    return {"code": "invalid", "message": message, "fields": fields}


def _lines(path: str, detail: Any) -> Iterator[tuple[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            below = "" if name == "non_field_errors" else str(name)
            yield from _lines(".".join(filter(None, (path, below))), inner)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _lines(path, inner)
    else:
        yield path, str(detail)


def _line(detail: ErrorDetail | list[Any] | dict[str, Any]) -> str:
    return " ".join(line for _, line in _lines("", detail))
