"""The web process's entry point; it also looks every minute whether something is wrong, in case cron does not."""

import atexit
import os
import signal

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
application = get_wsgi_application()

from backoffice.logs import speak_of_exceptions_by_place  # noqa: E402 - as it configures nothing before settings
from backoffice.presence import Presence  # noqa: E402 - settings can be read only now
from backoffice.runs.alerts import start_clock  # noqa: E402 - models can be imported only now

speak_of_exceptions_by_place()
start_clock()
# Gunicorn's master puts another process in the place of one that ends, which imports everything anew.
_presence = Presence(name="web", on_restart=lambda: os.kill(os.getpid(), signal.SIGTERM))
_presence.keep_up()
atexit.register(_presence.leave)
