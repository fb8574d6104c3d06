from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "backoffice.lab"
    verbose_name = "Failure lab"
