"""What belongs to no page: the icon that browsers ask for, and the pages that say why there is none.

Who is signed in sees them in the admin's frame, everybody else plainly; none repeats what was asked for.
"""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static


def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(static("backoffice/favicon.svg"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return _refusal(request, "Not found", 404)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return _refusal(request, "Not allowed", 403)


def _refusal(request: HttpRequest, title: str, status: int) -> HttpResponse:
    if not hasattr(request, "user") or not admin.site.has_permission(request):
        return render(request, f"{status}.html", status=status)
    context = {**admin.site.each_context(request), "title": title, "status": status}
    return render(request, "admin/refusal.html", context, status=status)
