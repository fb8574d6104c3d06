from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "backoffice.runs"
    verbose_name = "Runs"
