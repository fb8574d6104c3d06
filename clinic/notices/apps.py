from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "clinic.notices"
    label = "notices"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from clinic.booking.offers import TELLING
        from clinic.events.consumers import register_consumer, register_trigger
        from clinic.notices.consumer import NOTIFICATION, jobs_of
        from clinic.notices.offering import OFFERED, with_told

        register_consumer(NOTIFICATION)
        register_trigger("appointment.", jobs_of)
        register_trigger(OFFERED, jobs_of)
        TELLING.register(with_told)
