from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "backoffice.operations"
    verbose_name = "Operations"
