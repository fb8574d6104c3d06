"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from backoffice.monitor.page import priorities_page
from backoffice.pages import favicon

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    # backoffice.access.QueuesGuard asks for the role. All before the admin, which ends in a catch-all.
    path("admin/queues/", include("django_rq.urls")),
    path("admin/operations/", include("backoffice.operations.urls")),
    path("admin/lab/", include("backoffice.lab.urls")),
    path("admin/priorities/", priorities_page, name="priorities"),
    path("admin/scaling/", include("backoffice.deploy.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("backoffice.api_urls")),
    path("favicon.ico", favicon),
]

# The API answers in its own shape.
handler403 = "backoffice.pages.not_allowed"
handler404 = "backoffice.pages.not_found"
handler500 = "backoffice.rest.answers.server_error"
