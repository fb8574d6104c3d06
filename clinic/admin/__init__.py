"""The admin of recovery: what importing these registers."""

from clinic.admin.records import ServiceWriteAdmin, UnsupportedServiceAdmin
from clinic.admin.worklist import MissingServiceAdmin

__all__ = ("MissingServiceAdmin", "ServiceWriteAdmin", "UnsupportedServiceAdmin")
