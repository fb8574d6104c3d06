"""Every address of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    # backoffice.access.QueuesGuard asks for the role. Before the admin, which ends in a catch-all.
    path("admin/queues/", include("django_rq.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("backoffice.api_urls")),
]

# The API answers in its own shape; pages get Django's.
handler500 = "backoffice.rest.answers.server_error"
