"""What the audit log records of a model by itself, whenever a row is saved or deleted.

Only what is named here is recorded, so that a new column is not by accident. A masked value shows as "(hidden)".
A model whose rows belong to a region says so by get_additional_data() → {"region": its id}: that region's auditors may
read its entries.
"""

from typing import Any

TRACKED: tuple[dict[str, Any], ...] = (
    {
        "model": "regions.Region",
        "include_fields": [
            "name", "display_name", "time_zone", "country", "pace", "fhir", "clearinghouse",
            "concurrency_per_run", "filing_days", "collection_percent", "deployment", "env_sources", "paused",
        ],
        "m2m_fields": {"staff"},
    },
    {
        "model": "regions.ApiToken",
        "include_fields": ["name", "owner", "prefix", "verbs", "expires_at", "revoked_at"],
        "m2m_fields": {"regions"},
    },
    {
        "model": "auth.User",
        "include_fields": [
            "username", "first_name", "last_name", "email", "password", "is_active", "is_staff", "is_superuser",
        ],
        "mask_fields": ["password"],
        "m2m_fields": {"groups"},
    },
    {"model": "operations.PausedQueue", "include_fields": ["name", "reason"]},
    {"model": "operations.Order", "include_fields": ["kind", "target"]},
    {"model": "care.EligibilitySpend", "include_fields": ["cap"]},
    {"model": "otp_totp.TOTPDevice", "include_fields": ["user", "name", "confirmed"]},
)  # fmt: skip
