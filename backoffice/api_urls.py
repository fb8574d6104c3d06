"""Everything below /api/."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from backoffice.rest.answers import no_such_path
from backoffice.rest.docs import DocsView, SchemaView
from backoffice.runs.api import RunViewSet
from claims.api import AccumulatorViewSet, NightViewSet
from clinic.api import MissingServiceViewSet

router = SimpleRouter()
router.register("v1/runs", RunViewSet, basename="run")
router.register("v1/missing-services", MissingServiceViewSet, basename="missing-service")
router.register("v1/nights", NightViewSet, basename="night")
router.register("v1/accumulators", AccumulatorViewSet, basename="accumulator")

urlpatterns = [
    *router.urls,
    path("v1/schema/", SchemaView.as_view(), name="api-schema"),
    path("v1/docs/", DocsView.as_view(), name="api-docs"),
    # Last: an API's client is not helped by an HTML page, nor by a redirect that turns its POST into a GET.
    re_path("", no_such_path),
]
