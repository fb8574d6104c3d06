"""The scaling advisor's page. Its figures are of all regions together, so that it belongs to who sees the queues."""

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from backoffice.access import requires
from backoffice.deploy.loads import as_hpa, as_keda, rows
from backoffice.deploy.yaml_text import as_yaml
from clinic.events import stream

FORMATS = {"keda": as_keda, "hpa": as_hpa}
ORIGIN = "# Written by Nightward's scaling advisor from what was measured; kubectl apply -f takes it."


@require_safe
@requires("queues")
def page(request: HttpRequest) -> HttpResponse:
    """What each process needs; without figures while the queue's server does not answer."""
    try:
        with stream.connect() as client:
            found = list(rows(client))
    except RedisError:
        found = []
    context = {
        **admin.site.each_context(request),
        "title": "Scaling",
        "rows": found,
        "within": settings.SCALE_WITHIN_SECONDS,
    }
    return TemplateResponse(request, "admin/scaling.html", context)


@require_safe
@requires("queues")
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The settings as a file for kubectl."""
    if kind not in FORMATS:
        raise Http404
    try:
        with stream.connect() as client:
            found = list(rows(client))
    except RedisError:
        return HttpResponse("The queue does not answer: try again when it does.\n", "text/plain", status=503)
    disposition = {"Content-Disposition": f'attachment; filename="scaling-{kind}.yaml"'}
    return HttpResponse(as_yaml(FORMATS[kind](found), origin=ORIGIN), "application/yaml", headers=disposition)
