from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "clinic.events"
    label = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        from clinic.events import checkup
        from clinic.events.consumers import register_consumer

        register_consumer(checkup.CHECKUP)
