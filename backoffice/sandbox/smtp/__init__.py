"""The sandbox mail server: takes every message, keeps it, and refuses where it is told to."""

from backoffice.sandbox.smtp.server import KINDS, MailServer, smtp_faults

__all__ = ["KINDS", "MailServer", "smtp_faults"]
