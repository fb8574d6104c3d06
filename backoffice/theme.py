"""The look of the admin: unfold's settings, and the navigation, which shows what the user's role may open."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

Allowed = Callable[[HttpRequest], bool]


def allowed(verb: str) -> Allowed:
    return lambda request: request.user.has_perm(f"nightward.{verb}")


def active(url_name: str) -> Allowed:
    """Marks the one entry whose address is the longest beginning of the page's own."""

    def is_active(request: HttpRequest) -> bool:
        index = reverse("admin:index")
        links = [str(item["link"]) for group in NAVIGATION for item in group["items"] if str(item["link"]) != index]
        nearest = max((link for link in links if request.path.startswith(link)), key=len, default=index)
        return nearest == reverse(url_name) and (nearest != index or request.path == index)

    return is_active


def _item(title: str, icon: str, url_name: str, verb: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url_name),
        "permission": allowed(verb),
        "active": active(url_name),
    }


NAVIGATION: list[dict[str, Any]] = [
    {"items": [_item("Dashboard", "dashboard", "admin:index", "see")]},
    {
        "title": "Recovery",
        "separator": True,
        "items": [
            _item("Missing services", "request_quote", "admin:clinic_missingservice_changelist", "see"),
            _item("Fix once, recover many", "construction", "admin:recovery_groups", "see"),
            _item("Unsupported services", "rule", "admin:clinic_unsupportedservice_changelist", "see"),
            _item("Writes", "receipt_long", "admin:clinic_servicewrite_changelist", "see"),
            _item("Unknown writes", "help_center", "admin:recovery_unknown_writes", "see"),
        ],
    },
    {
        "title": "Claims",
        "separator": True,
        "items": [
            _item("Nights", "dark_mode", "admin:claims_night_changelist", "see"),
            _item("Failure lab", "science", "failure-lab", "see"),
            _item("Staged claims", "upload_file", "admin:claims_batches", "see"),
            _item("Rejected claims", "assignment_late", "admin:claims_rejects", "see"),
            _item("Remittances", "payments", "admin:claims_remittance_changelist", "see"),
            _item("Accumulator ledger", "account_balance_wallet", "admin:claims_ledger", "see"),
            _item("Claims tables", "table_view", "admin:claims_tables", "see"),
        ],
    },
    {
        "title": "Runs",
        "separator": True,
        "items": [
            _item("Runs", "play_circle", "admin:runs_run_changelist", "see"),
            _item("Failures", "error", "admin:runs_failure_changelist", "see"),
            _item("Start recovery", "start", "admin:start_recover_services", "start_recovery"),
            _item("Start a night", "dark_mode", "admin:start_run_pipeline", "start_any"),
        ],
    },
    {
        "title": "Administration",
        "separator": True,
        "items": [
            _item("Regions", "location_on", "admin:regions_region_changelist", "configure"),
            _item("API tokens", "key", "admin:regions_apitoken_changelist", "configure"),
            _item("Queues", "queue", "django_rq:home", "queues"),
            _item("API documentation", "api", "api-docs", "see"),
            _item("Audit log", "policy", "admin:auditlog_logentry_changelist", "audit"),
            _item("Users", "group", "admin:auth_user_changelist", "accounts"),
        ],
    },
]

ACCOUNT: list[dict[str, Any]] = [
    {"title": "Change password", "link": reverse_lazy("admin:password_change")},
    {"title": "Second factor", "link": reverse_lazy("admin:second_factor")},
]

UNFOLD = {
    "SITE_TITLE": "Nightward",
    "SITE_HEADER": "Nightward",
    "SITE_SYMBOL": "nightlight",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "backoffice.dashboard.dashboard",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("backoffice/favicon.svg")}
    ],
    "STYLES": [lambda request: static("backoffice/site.css")],
    "SCRIPTS": [lambda request: static("backoffice/site.js")],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
    "ACCOUNT": {"navigation": ACCOUNT},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(54.6% .245 262.881)",
            "700": "oklch(48.8% .243 264.376)",
            "800": "oklch(42.4% .199 265.638)",
            "900": "oklch(37.9% .146 265.522)",
            "950": "oklch(28.2% .091 267.935)",
        }
    },
}
