"""The admin of tenants and of access: importing a module registers its pages."""

from regions.admin import accounts, auditlog, regions, tokens

__all__ = ["accounts", "auditlog", "regions", "tokens"]
