from django.apps import AppConfig


class UploadsConfig(AppConfig):
    name = "clinic.uploads"
    label = "uploads"
    verbose_name = "Videos"
