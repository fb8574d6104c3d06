from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClaimsConfig(AppConfig):
    name = "claims"
    verbose_name = "Claims"

    def ready(self) -> None:
        from claims.pipeline.settings import ensure_settings

        post_migrate.connect(ensure_settings, sender=self)
