"""The look of the admin: unfold's settings, and the navigation, which shows what the user's role may open."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The entries that the user may open, and the one that is marked: whose address is the longest beginning of the
    page's own. Worked out here at once: unfold asks for each entry by itself, at a quarter of the time of a page."""
    marked = _nearest(request.path)
    permitted = cache(lambda verb: request.user.has_perm(f"nightward.{verb}"))
    groups = (
        {**group, "items": [_entry(item, marked) for item in group["items"] if permitted(item["verb"])]}
        for group in NAVIGATION
    )
    return [group for group in groups if group["items"]]


def _entry(item: dict[str, str], marked: str) -> dict[str, Any]:
    link = addresses()[item["url_name"]]
    return {"title": item["title"], "icon": item["icon"], "link": link, "active": link == marked}


def _nearest(path: str) -> str:
    index = addresses()["admin:index"]
    others = (link for link in addresses().values() if link != index and path.startswith(link))
    return max(others, key=len, default=index if path == index else "")


@cache
def addresses() -> dict[str, str]:
    """Url name → address of each entry."""
    names = [item["url_name"] for group in NAVIGATION for item in group["items"]]
    return {name: reverse(name) for name in names}


def _item(title: str, icon: str, url_name: str, verb: str) -> dict[str, str]:
    return {"title": title, "icon": icon, "url_name": url_name, "verb": verb}


def _group(title: str, *items: dict[str, str]) -> dict[str, Any]:
    return {"title": title, "separator": True, "items": list(items)}


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            _item("Dashboard", "dashboard", "admin:index", "see"),
            _item("Five priorities", "monitor_heart", "priorities", "see"),
        ]
    },
    _group(
        "Recovery",
        _item("Missing services", "request_quote", "admin:clinic_missingservice_changelist", "see"),
        _item("Fix once, recover many", "construction", "admin:recovery_groups", "see"),
        _item("Unsupported services", "rule", "admin:clinic_unsupportedservice_changelist", "see"),
        _item("Writes", "receipt_long", "admin:clinic_servicewrite_changelist", "see"),
        _item("Unknown writes", "help_center", "admin:recovery_unknown_writes", "see"),
    ),
    _group(
        "Appointments",
        _item("Calendar", "calendar_month", "admin:booking_calendar", "see"),
        _item("Appointments", "event", "admin:booking_appointment_changelist", "see"),
        _item("Lab orders", "biotech", "admin:booking_laborder_changelist", "see"),
        _item("Orders and payments", "point_of_sale", "admin:booking_posorder_changelist", "see"),
        _item("Waitlist", "hourglass_top", "admin:booking_waitlistentry_changelist", "see"),
        _item("Holds", "lock_clock", "admin:booking_hold_changelist", "see"),
        _item("Resources", "meeting_room", "admin:booking_resource_changelist", "see"),
        _item("Types of appointment", "category", "admin:booking_appointmenttype_changelist", "see"),
        _item("Exceptions of hours", "event_busy", "admin:booking_hoursexception_changelist", "see"),
        _item("Patients", "personal_injury", "admin:patients_patient_changelist", "see"),
    ),
    _group(
        "Claims",
        _item("Nights", "dark_mode", "admin:claims_night_changelist", "see"),
        _item("Failure lab", "science", "failure-lab", "see"),
        _item("Staged claims", "upload_file", "admin:claims_batches", "see"),
        _item("Rejected claims", "assignment_late", "admin:claims_rejects", "see"),
        _item("Remittances", "payments", "admin:claims_remittance_changelist", "see"),
        _item("Accumulator ledger", "account_balance_wallet", "admin:claims_ledger", "see"),
        _item("Claims tables", "table_view", "admin:claims_tables", "see"),
    ),
    _group(
        "Billing",
        _item("Claims", "request_page", "admin:billing_claim_changelist", "see"),
        _item("Refused claims", "rule", "admin:billing_refused", "see"),
        _item("Unclaimable services", "money_off", "admin:billing_unclaimable_changelist", "see"),
        _item("Claim batches", "outbox", "admin:billing_batch_changelist", "see"),
        _item("Claim files", "folder_open", "admin:billing_document_changelist", "see"),
        _item("Unmatched answers", "link_off", "admin:billing_answer_changelist", "see"),
        _item("Payments", "paid", "admin:billing_payment_changelist", "see"),
        _item("Without an answer", "alarm", "admin:billing_clock", "see"),
    ),
    _group(
        "Phones",
        _item("Rows of the sheets", "table_rows", "admin:regions_phonerow_changelist", "see"),
        _item("Phone changes", "difference", "admin:regions_phoneupdate_changelist", "see"),
        _item("Undeliverable numbers", "phone_missed", "admin:regions_undeliverablephone_changelist", "see"),
        _item("Phone quality", "rule_settings", "admin:phone_quality", "see"),
    ),
    _group(
        "Events",
        _item("Consumers", "conversion_path", "admin:events_consumers", "see"),
        _item("Dead letters", "mark_email_unread", "admin:events_deadletter_changelist", "see"),
        _item("Unmatched events", "link_off", "admin:events_unmatched_changelist", "see"),
    ),
    _group(
        "Notifications",
        _item("Notifications", "sms", "admin:notices_notice_changelist", "see"),
        _item("Texts", "edit_note", "admin:notices_template_changelist", "see"),
        _item("Bed time messages", "bedtime", "admin:notices_bedtimeenrolment_changelist", "see"),
    ),
    _group(
        "Clinic",
        _item("Insurance", "health_and_safety", "admin:care_eligibilityinformation_changelist", "see"),
        _item("Eligibility reports", "fact_check", "admin:care_eligibilityreport_changelist", "see"),
        _item("Eligibility spending", "savings", "admin:care_eligibilityspend_changelist", "see"),
        _item("Reports", "summarize", "admin:reports_report_changelist", "see"),
        _item("Videos", "video_library", "admin:uploads_upload_changelist", "see"),
    ),
    _group(
        "Runs",
        _item("Runs", "play_circle", "admin:runs_run_changelist", "see"),
        _item("Schedule", "schedule", "admin:care_commandstate_changelist", "see"),
        _item("Failures", "error", "admin:runs_failure_changelist", "see"),
        _item("Start recovery", "start", "admin:start_recover_services", "start_recovery"),
        _item("Sync phones", "sync", "admin:start_sync_phones", "start_recovery"),
        _item("Start a night", "dark_mode", "admin:start_run_pipeline", "start_any"),
        _item("Submit claims", "send", "admin:start_submit_claims", "start_any"),
    ),
    _group(
        "Administration",
        _item("Regions", "location_on", "admin:regions_region_changelist", "configure"),
        _item("API tokens", "key", "admin:regions_apitoken_changelist", "configure"),
        _item("Processes", "memory", "processes", "start_any"),
        _item("Queues", "queue", "queues", "queues"),
        _item("Logs", "article", "logs", "queues"),
        _item("RQ's own pages", "list_alt", "django_rq:home", "queues"),
        _item("Scaling", "open_in_full", "scaling", "queues"),
        _item("API documentation", "api", "api-docs", "see"),
        _item("Audit log", "policy", "admin:auditlog_logentry_changelist", "audit"),
        _item("Users", "group", "admin:auth_user_changelist", "accounts"),
    ),
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
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": navigation},
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
