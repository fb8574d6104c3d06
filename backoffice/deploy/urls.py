"""The scaling advisor's pages, under /admin/scaling/."""

from django.urls import path

from backoffice.deploy import views

urlpatterns = [
    path("", views.page, name="scaling"),
    path("<str:kind>.yaml", views.export, name="scaling-export"),
]
