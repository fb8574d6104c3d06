"""Settings, all from the environment; without any, one machine serves itself from NIGHTWARD_HOME.

Read here: SECRET_KEY, SECRET_KEY_FALLBACKS, FIELD_KEYS, DEBUG, ALLOWED_HOSTS, DATABASE_URL, ACCUMULATORS_DATABASE_URL,
REDIS_URL, NIGHTWARD_HOME, LOG_LEVEL, LOG_FORMAT, ALERT_MAIL_TO, ALERT_WEBHOOK_URL, REQUIRE_TOTP, METRICS_TOKEN,
READY_FREE_MB, BEHIND_PROXY, PROXY_NETWORKS, ONLY_HOSTS, OTEL_*, and the intervals of the run kernel.
"""

import os
from pathlib import Path

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from backoffice.audited import TRACKED
from backoffice.embedded import queue_url
from backoffice.home import database_config, database_url, private_text
from backoffice.logs import configure_logging
from backoffice.proxy import networks
from backoffice.telemetry.export import protocol_of
from backoffice.theme import UNFOLD as UNFOLD

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
NIGHTWARD_HOME = Path(env.str("NIGHTWARD_HOME", default=str(BASE_DIR / "var"))).resolve()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or private_text(NIGHTWARD_HOME / "secret_key", bytes_of_entropy=50)
# Earlier ones, under which sessions and links still hold until they end.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Newest first: the first key encrypts, all of them decrypt. Each is 32 bytes in URL-safe base64.
FIELD_KEYS = env.list("FIELD_KEYS", default=[]) or [private_text(NIGHTWARD_HOME / "field_key", bytes_of_entropy=32)]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "backoffice.apps.UnfoldConfig",
    "backoffice.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_rq",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "auditlog",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "csp",
    "backoffice.apps.BackofficeConfig",
    "backoffice.runs.apps.RunsConfig",
    "backoffice.sandbox.apps.SandboxConfig",
    "regions.apps.RegionsConfig",
    "billing.apps.BillingConfig",
    "clinic.apps.ClinicConfig",
    "clinic.events.apps.EventsConfig",
    "clinic.patients.apps.PatientsConfig",
    "clinic.booking.apps.BookingConfig",
    "clinic.notices.apps.NoticesConfig",
    "clinic.reports.apps.ReportsConfig",
    "clinic.uploads.apps.UploadsConfig",
    "clinic.care.apps.CareConfig",
    "claims.apps.ClaimsConfig",
    "backoffice.lab.apps.LabConfig",
    "backoffice.operations.apps.OperationsConfig",
]

MIDDLEWARE = [
    "backoffice.telemetry.probes.ProbesMiddleware",
    "backoffice.monitor.exposition.MetricsMiddleware",
    "backoffice.telemetry.timing.TimingMiddleware",
    "backoffice.logs.CorrelationMiddleware",
    "backoffice.telemetry.instruments.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "backoffice.nul.NulGuard",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "backoffice.audit.AuditMiddleware",
    "backoffice.access.QueuesGuard",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Database: SQLite under NIGHTWARD_HOME unless DATABASE_URL says otherwise.
DATABASES = {"default": database_config(env.str("DATABASE_URL", default="") or database_url(NIGHTWARD_HOME))}
# The accumulators may live in a database of their own (claims/router.py), which only a night's step 5 writes.
if _url := env.str("ACCUMULATORS_DATABASE_URL", default=""):
    DATABASES["accumulators"] = database_config(_url)
ACCUMULATORS_DATABASE = "accumulators" if "accumulators" in DATABASES else "default"
DATABASE_ROUTERS = ["claims.router.AccumulatorsRouter"]
for _database in DATABASES.values():
    if _database["ENGINE"] == "django.db.backends.sqlite3":
        # Without these, concurrent writers lose transactions (docs/decisions/0003-sqlite.md).
        _database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            # Python keeps 128 prepared statements; each bulk insert of another length is a large one more.
            "cached_statements": 20,
        }
    else:
        _database["CONN_HEALTH_CHECKS"] = True
        _database.setdefault("CONN_MAX_AGE", 60)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Queues, served in this order [S3-01]. No time-out: the heartbeat of a part judges, not the clock of a job.
REDIS_URL = env.str("REDIS_URL", default="")
QUEUE_ORDER = (
    "processors", "eligibility", "notifications", "uploads", "intakes", "states", "mailers", "default", "low",
)  # fmt: skip
RQ_QUEUES = {name: {"URL": REDIS_URL or queue_url(NIGHTWARD_HOME), "DEFAULT_TIMEOUT": -1} for name in QUEUE_ORDER}
RQ_SHOW_ADMIN_LINK = False  # its pages are at /admin/queues/, behind a role
RQ = {"WORKER_CLASS": "backoffice.worker.NightWorker", "COMMIT_MODE": "on_db_commit"}

# Access
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "backoffice.access.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "backoffice.audit.client_address"
REQUIRE_TOTP = env.bool("REQUIRE_TOTP", default=False)
OTP_TOTP_ISSUER = "Nightward"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# Transport: strict by default, plain HTTP on a developer's loopback by INSECURE_HTTP=1 (bin/serve sets it).
INSECURE_HTTP = env.bool("INSECURE_HTTP", default=False)
SECURE_SSL_REDIRECT = not INSECURE_HTTP
SESSION_COOKIE_SECURE = not INSECURE_HTTP
CSRF_COOKIE_SECURE = not INSECURE_HTTP
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not INSECURE_HTTP
SECURE_HSTS_PRELOAD = not INSECURE_HTTP
# Whether a proxy of ours stands in front: only then are its X-Forwarded-Proto and X-Forwarded-For believed.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
# Whose X-Forwarded-For is believed, as networks by commas; none: everybody's, for nobody but the proxy reaches us.
PROXY_NETWORKS = networks(env.list("PROXY_NETWORKS", default=[]))
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
X_FRAME_OPTIONS = "DENY"
# unfold's Alpine needs 'unsafe-eval' and inline styles; scripts are files of this host, except on the queues' pages
# (backoffice.access.QueuesGuard).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}

# The only hosts outside that are called, loopback too (backoffice/adapters/reach.py), as names by commas; none: all.
ONLY_HOSTS = env.list("ONLY_HOSTS", default=[])

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["regions.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["regions.tokens.TokenAllowsVerb"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["backoffice.rest.strict.StrictJSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["regions.tokens.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.str("API_RATE", default="600/min")},
    "EXCEPTION_HANDLER": "backoffice.rest.answers.answer_error",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Nightward API",
    "DESCRIPTION": "Start, watch and stop jobs; read and resolve missing services; watch the nights of the claims;"
    " read what was billed and what was said of it; book, move and cancel appointments."
    " One token, its regions, its verbs.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "clinic.openapi.describe_parameters",
        "regions.openapi.describe_parameters",
        "billing.openapi.describe_parameters",
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVERS": [{"url": "/", "description": "This host"}],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "backoffice.runs.models.RunStatus",
        "StepStatus": "backoffice.runs.models.StepStatus",
        "MissingServiceStatus": "clinic.models.MissingServiceStatus",
        "FailureResolution": "backoffice.runs.models.Resolution",
        "ClaimState": "billing.models.claims.STATES",
        "BatchState": "billing.models.documents.Batch.State",
        "ClaimFileState": "billing.models.documents.Document.State",
        "AppointmentState": "clinic.booking.states.State",
        "AppointmentMove": "clinic.booking.wire.visits.MOVABLE",
        "EligibilityState": "clinic.care.models.eligibility.EligibilityReport.State",
        "IntakeState": "clinic.care.models.intakes.Intake.State",
        "UploadState": "clinic.uploads.models.Upload.State",
        "Coverage": "clinic.care.models.eligibility.Coverage",
        "HoldState": "clinic.booking.models.visits.Hold.State",
        "WaitlistState": "clinic.booking.models.visits.WaitlistEntry.State",
        "LabOrderState": "clinic.booking.models.outside.LabOrder.State",
        "PosOrderState": "clinic.booking.models.outside.PosOrder.State",
        "PosEventKind": "clinic.booking.models.outside.PosEvent.Kind",
        "KindEnum": "billing.wire.KINDS",
        "ResourceKind": "clinic.booking.models.resources.Kind",
    },
}

# Times are stored in UTC and decided in the region's zone.
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "backoffice.dates"

STATIC_URL = "static/"
# An image has its static files in it, where NIGHTWARD_HOME is a disk that many share.
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(NIGHTWARD_HOME / "static")))
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# The nights' outputs; another backend, such as S3, serves workers on several machines.
STORAGES["nights"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": NIGHTWARD_HOME / "nights",
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
# Patients' videos; a folder, which the web processes and workers of all machines share.
STORAGES["uploads"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": NIGHTWARD_HOME / "uploads",
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
MEDIA_ROOT = NIGHTWARD_HOME / "files"
# What the admin takes of a day's claims, in megabytes: of what is sent, and of what a ZIP unpacks to.
CLAIMS_UPLOAD_MB = env.int("CLAIMS_UPLOAD_MB", default=512)

# Without it mail goes to the log: alerts on a developer's machine, never mail to patients (clinic/notices/channels.py).
EMAIL_CONFIG = env.email_url_config(env.str("EMAIL_URL", default="") or "consolemail://")
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_BACKEND = "backoffice.adapters.mail.Smtp"  # which keeps to ONLY_HOSTS
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="nightward@localhost")
ALERT_MAIL_TO = env.list("ALERT_MAIL_TO", default=[])
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")

# Logs go to standard error, one line an event; configured before rq, which would add handlers of its own.
LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING")
configure_logging(level=LOG_LEVEL, as_json=env.str("LOG_FORMAT", default="text") == "json")

# What runs here, such as the image's tag: the page Processes shows it beside each process.
VERSION = env.str("NIGHTWARD_VERSION", default="")
# Who has one of them may read /metrics; none: there is no such page. Two by a comma, while one takes the other's place.
METRICS_TOKENS = [token.strip() for token in env.list("METRICS_TOKEN", default=[])]
# Traces go where the standard OTEL_* variables say; empty: nowhere (backoffice/telemetry/tracing.py).
TRACES_PROTOCOL = protocol_of(os.environ)
# /readyz says "not ready" with less than this left on the disk of NIGHTWARD_HOME.
READY_FREE_MB = env.int("READY_FREE_MB", default=200)

# How often each process says that it is there; after six times without a word it is shown as gone.
PRESENCE_SECONDS = env.float("PRESENCE_SECONDS", default=5.0)

# The run kernel (product.md, "Ownership"): seconds.
RUN_HEARTBEAT_SECONDS = env.float("RUN_HEARTBEAT_SECONDS", default=10.0)
RUN_STALE_SECONDS = env.float("RUN_STALE_SECONDS", default=60.0)
# The hospital: a total limit for one call, every retry has its own.
HOSPITAL_TIMEOUT_SECONDS = env.float("HOSPITAL_TIMEOUT_SECONDS", default=30.0)
FHIR_TIMEOUT_SECONDS = env.float("FHIR_TIMEOUT_SECONDS", default=30.0)
# Between the two looks at a clearinghouse's mailbox: a file that differs in size or time is still being written.
SFTP_LOOK_SECONDS = env.float("SFTP_LOOK_SECONDS", default=5.0)
# Events (docs/events.md): seconds before each further try of one at which a consumer failed; after five tries it is a
# dead letter. And after how long without a word a consumer's entries are taken over by another.
EVENT_RETRY_SECONDS = [float(seconds) for seconds in env.list("EVENT_RETRY_SECONDS", default=["5", "30", "120", "600"])]
EVENT_CLAIM_SECONDS = env.float("EVENT_CLAIM_SECONDS", default=30.0)
# Of the Sheets API; another address is for trying things on `sandbox sheets`.
SHEETS_URL = env.str("SHEETS_URL", default="https://sheets.googleapis.com")
# Where others reach this host, such as https://nightward.example: what Twilio is told, and what it signs.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
# Of Twilio and FCM; other addresses are for trying things on `sandbox twilio` and `sandbox fcm`.
TWILIO_URL = env.str("TWILIO_URL", default="https://api.twilio.com")
FCM_URL = env.str("FCM_URL", default="https://fcm.googleapis.com")
NOTICE_TIMEOUT_SECONDS = env.float("NOTICE_TIMEOUT_SECONDS", default=20.0)
# How long a phone sync can be undone, and its rows and changes are kept; after that, forget_phones deletes them.
PHONE_KEPT_DAYS = env.int("PHONE_KEPT_DAYS", default=400)

# How long a slot is held for who is about to book it, and for who was offered it from the waitlist.
HOLD_MINUTES = env.int("HOLD_MINUTES", default=10)
HOLDS_PER_PATIENT = env.int("HOLDS_PER_PATIENT", default=3)
WAITLIST_OFFER_MINUTES = env.int("WAITLIST_OFFER_MINUTES", default=120)

# The scaling advisor: within how many seconds a queue, or what a consumer owes, is to be worked off.
SCALE_WITHIN_SECONDS = env.float("SCALE_WITHIN_SECONDS", default=300.0)

# The clinic's jobs (docs/clinic-jobs.md). A call to pVerify waits for the payer; each is billed, and a region makes so
# many a month unless its row says otherwise.
PVERIFY_TIMEOUT_SECONDS = env.float("PVERIFY_TIMEOUT_SECONDS", default=90.0)
ELIGIBILITY_CALLS_PER_MONTH = env.int("ELIGIBILITY_CALLS_PER_MONTH", default=1000)
# A patient with a visit that took place within so many days can be made anonymous, not deleted.
RECORDS_KEPT_DAYS = env.int("RECORDS_KEPT_DAYS", default=2557)
# What clean_up leaves: published events, finished items of runs, and answers for an Idempotency-Key that comes again.
EVENTS_KEPT_DAYS = env.int("EVENTS_KEPT_DAYS", default=30)
# The texts of laboratories' and tills' messages, from when they are matched and handled.
INBOUND_KEPT_DAYS = env.int("INBOUND_KEPT_DAYS", default=30)
RUN_ITEMS_KEPT_DAYS = env.int("RUN_ITEMS_KEPT_DAYS", default=90)
ANSWERS_KEPT_HOURS = env.int("ANSWERS_KEPT_HOURS", default=48)

# How large a video may be where the region does not say (UPLOAD_MAX_MB of its file), and how long after its last byte
# came an unfinished one is kept.
UPLOAD_MAX_MB = env.int("UPLOAD_MAX_MB", default=2048)
UPLOAD_KEPT_HOURS = env.int("UPLOAD_KEPT_HOURS", default=48)
# Reports are copies of patients' data; clean_up deletes them after so many days.
REPORTS_KEPT_DAYS = env.int("REPORTS_KEPT_DAYS", default=30)
# How long `backup` leaves earlier back-ups in its folder; 0 keeps all of them.
BACKUPS_KEPT_DAYS = env.int("BACKUPS_KEPT_DAYS", default=14)
# When the last one is older, an alert says so; 0 where something else than `backup` makes them.
BACKUP_HOURS = env.int("BACKUP_HOURS", default=26)

# The audit log (backoffice/audit.py); its rows cannot be changed (database triggers).
AUDITLOG_DISABLE_REMOTE_ADDR = False
AUDITLOG_CID_GETTER = "backoffice.audit.correlation_id"
AUDITLOG_MASK_CALLABLE = "backoffice.audit.hidden"
AUDITLOG_INCLUDE_TRACKING_MODELS = TRACKED
