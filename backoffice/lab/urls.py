"""The pages of the lab, under /admin/lab/."""

from django.urls import path

from backoffice.lab import views

urlpatterns = [
    path("", views.page, name="failure-lab"),
    path("start/", views.start, name="failure-lab-start"),
    path("<int:pk>/", views.page, name="failure-lab-run"),
    path("<int:pk>/live/", views.live, name="failure-lab-live"),
    path("<int:pk>/stop/", views.stop, name="failure-lab-stop"),
    path("<int:pk>/restart/", views.restart, name="failure-lab-restart"),
    path("<int:pk>/<str:kind>/", views.download, name="failure-lab-download"),
    path("shipped/<str:kind>/", views.download_shipped, name="failure-lab-shipped"),
]
