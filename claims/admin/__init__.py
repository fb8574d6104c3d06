"""The admin of claims: what importing these registers."""

from claims.admin.nights import NightAdmin

__all__ = ("NightAdmin",)
