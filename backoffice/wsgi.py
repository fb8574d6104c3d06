"""The web process's entry point; it also looks every minute whether something is wrong, in case cron does not."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
application = get_wsgi_application()

from backoffice.runs.alerts import start_clock  # noqa: E402 - models can be imported only now

start_clock()
