from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from billing.visits import claims_of, rows_of
        from clinic.booking.outside.bills import BILLING
        from clinic.booking.outside.threads import THREADS

        BILLING.register(claims_of)
        THREADS.register(rows_of)
