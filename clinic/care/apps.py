from django.apps import AppConfig


class CareConfig(AppConfig):
    name = "clinic.care"
    label = "care"
    verbose_name = "Clinic's jobs"

    def ready(self) -> None:
        from clinic.booking.outside.comments import COMMENTING
        from clinic.care.eligibility.commenting import comments_of
        from clinic.care.intakes import dumping
        from clinic.events.consumers import register_trigger

        COMMENTING.register(comments_of)
        register_trigger("intake.received", dumping.on_received)
