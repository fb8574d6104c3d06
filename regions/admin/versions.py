"""A region's configurations in the admin: what changed, when, by whom; and the question before one is put back."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.access import may
from backoffice.formats import count
from regions import history
from regions.configuration import kept_secrets, put_back
from regions.models import Region, RegionVersion
from regions.regionfile import RegionFileError

SHOWN = 100
EachContext = Callable[[HttpRequest], Any]


def versions_page(request: HttpRequest, region: Region, each_context: EachContext) -> HttpResponse:
    """The newest first, each with what it changed."""
    found = list(region.versions.select_related("made_by")[: SHOWN + 1])
    befores: list[RegionVersion | None] = [before for _, before in pairwise(found)]
    if len(found) <= SHOWN:
        befores.append(None)
    context = {
        **each_context(request),
        "title": f"Configuration of {region.display_name}",
        "region": region,
        "versions": [
            {"version": version, "changes": history.differences(before, version), "first": before is None}
            for version, before in zip(found, befores, strict=False)
        ],
        "more": len(found) > SHOWN,
        "shown": SHOWN,
        "may_put_back": may(request.user, "configure"),
    }
    return TemplateResponse(request, "admin/regions/versions.html", context)


def put_back_page(request: HttpRequest, region: Region, number: int, each_context: EachContext) -> HttpResponse:
    """GET: what would change. POST: it is put back, unless somebody has changed the region since the question."""
    if not may(request.user, "configure"):
        raise PermissionDenied
    version = get_object_or_404(region.versions, number=number)
    present = region.versions.latest("number")
    changes = history.differences(present, version)
    if request.method == "POST" and changes:
        if request.POST.get("seen") == str(present.number):
            return _put_back(request, region, version)
        messages.warning(request, "The region was changed meanwhile; this is what would change now.")
    context = {
        **each_context(request),
        "title": f"Put back version {number} of {region.display_name}",
        "region": region,
        "version": version,
        "present": present,
        "changes": changes,
        "may_keep": changes and history.secrets_differ(changes) and kept_secrets(region, history.file_of(version)[0]),
    }
    return TemplateResponse(request, "admin/regions/put_back.html", context)


def _put_back(request: HttpRequest, region: Region, version: RegionVersion) -> HttpResponse:
    try:
        loaded = put_back(version, made_by=cast(User, request.user), keep_secrets="keep_secrets" in request.POST)
    except RegionFileError as error:
        for problem in error.problems:
            messages.error(request, f"Not put back: {problem}.")
        return redirect(request.path)
    if loaded.changed:
        changed = count(len(loaded.changed), "key")
        messages.success(request, f"Version {version.number} is put back: {changed} changed. The next run goes by it.")
    else:
        messages.warning(request, "Nothing was changed: it is like that already.")
    return redirect(reverse("admin:region_versions", args=[region.pk]))
