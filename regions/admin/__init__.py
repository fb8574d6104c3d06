"""The admin of tenants and of access: importing a module registers its pages.

They take the place of those that three packages register for their models, which are imported first therefore.
"""

from auditlog import admin as its_audit_log  # noqa: F401 (by that name `auditlog` below would be the package)
from axes import admin as its_sign_ins  # noqa: F401
from django_otp.plugins.otp_totp import admin as its_devices  # noqa: F401

from regions.admin import accounts, auditlog, phone_changes, phone_rows, regions, tokens, undeliverable

__all__ = ["accounts", "auditlog", "phone_changes", "phone_rows", "regions", "tokens", "undeliverable"]
