"""The part of a page that changes while it is watched: HTML with an ETag, 304 while it would look the same."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified


def live_answer(request: HttpRequest, html: str) -> HttpResponse:
    """What backoffice/static/backoffice/run.js asks for again and again."""
    etag = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == etag
    response = HttpResponseNotModified() if same else HttpResponse(html)
    response["ETag"], response["Cache-Control"] = etag, "no-store"
    return response
