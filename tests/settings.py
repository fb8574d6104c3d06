"""The product's settings, on a home, a database and a queue of this test process alone.

pytest-django loads this before anything else, so that no test reaches the developer's own NIGHTWARD_HOME. What is set
in the environment here is meant for the processes that tests start: they run on the product's settings.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker:
    _home = Path(os.environ["NIGHTWARD_HOME"], _worker)  # within the home of the process that hands out the tests
    _home.mkdir()
else:
    _home = Path(tempfile.mkdtemp(prefix="nightward-tests-"))
    atexit.register(shutil.rmtree, _home, ignore_errors=True)

os.environ["NIGHTWARD_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
os.environ["INSECURE_HTTP"] = "1"
if os.environ.get("REDIS_URL"):
    # A database of the given Redis for each process: 8, 9, 10 ... They are emptied.
    _number = 8 + int(_worker.removeprefix("gw") or 0)
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_number}").geturl()

from backoffice.settings import *  # noqa: E402, F403
from backoffice.settings import DATABASES, STATIC_ROOT  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: in memory, neither threads nor other processes would see it.
    DATABASES["default"]["TEST"] = {"NAME": str(_home / "test.sqlite3")}
STATIC_ROOT.mkdir()  # whitenoise warns where it is missing
WHITENOISE_USE_FINDERS = False  # each test client would look at every static file
BACKUP_HOURS = 0  # tests that move the clock mean other alarms than this one
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes 0.2 s on purpose
