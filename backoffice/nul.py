"""No NUL comes in: PostgreSQL has no text with one, and whatever asked it for such a text would be a 500.

A body of JSON is looked at by its parser (backoffice/rest/strict.py); all else that a request says is looked at here.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.request import UnreadablePostError

from backoffice.pages import not_found
from backoffice.rest.answers import API_ROOT, no_such_path, not_taken

NUL = "\0"
LINE = "A NUL character is in no text here: leave it out."


class NulGuard:
    """A path with a NUL is 404, a query or a form with one 400; a session of such a name is nobody's.

    Before the session's middleware. Forms are those of pages: what is exempt from the check of their origin reads its
    body itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if NUL in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        of_api = request.path.startswith(API_ROOT)
        if NUL in request.path:
            return no_such_path(request) if of_api else not_found(request, Http404())
        if names := _with_nul(request.GET):
            if of_api:
                return not_taken({name: [LINE] for name in names})
            raise BadRequest(LINE)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *arguments: Any) -> None:
        if getattr(view, "csrf_exempt", False):
            return
        try:
            names = _with_nul(request.POST)
        except UnreadablePostError:  # whoever sent it has gone
            return
        if names:
            raise BadRequest(LINE)


def _with_nul(values: QueryDict) -> list[str]:
    """The names that hold a NUL, or have a value that does."""
    return [name.replace(NUL, "")[:60] for name, texts in values.lists() if NUL in name or NUL in "".join(texts)]
