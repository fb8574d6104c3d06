"""The admin of claims: what importing these registers."""

from claims.admin.nights import NightAdmin
from claims.admin.remittances import RemittanceAdmin
from claims.admin.tables import StepSettingAdmin

__all__ = ("NightAdmin", "RemittanceAdmin", "StepSettingAdmin")
