"""The sandbox as a Django app: it brings a command and nothing else."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Label of the sandbox's management command."""

    name = "backoffice.sandbox"
    label = "sandbox"
