from django.apps import AppConfig


class BookingConfig(AppConfig):
    name = "clinic.booking"
    label = "booking"
    verbose_name = "Appointments"

    def ready(self) -> None:
        from clinic.booking.outside.belonging import lab_order_belongs_to, person_says, pos_order_belongs_to
        from clinic.booking.outside.laboratory import LIS_SAMPLE_STATUS
        from clinic.booking.outside.till import POS_ORDERS
        from clinic.events.consumers import register_consumer
        from clinic.events.inbound.matching import CHOOSING, register_resolver

        register_consumer(LIS_SAMPLE_STATUS)
        register_consumer(POS_ORDERS)
        register_resolver("lis", lab_order_belongs_to)
        register_resolver("pos", pos_order_belongs_to)
        CHOOSING.register(person_says)
