"""The pages of operations, under /admin/operations/."""

from django.urls import path

from backoffice.operations import views

urlpatterns = [
    path("", views.processes, name="processes"),
    path("restart/", views.restart, name="processes-restart"),
    path("restart-all/", views.restart_all, name="processes-restart-all"),
    path("forget/", views.forget, name="processes-forget"),
    path("queues/", views.queues, name="queues"),
    path("queues/pause/", views.pause, name="queues-pause"),
    path("queues/drain/", views.drain, name="queues-drain"),
    path("queues/resume/", views.resume, name="queues-resume"),
    path("queues/again/", views.again, name="queues-again"),
    path("logs/", views.logs, name="logs"),
]
