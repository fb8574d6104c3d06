"""The sandbox FCM: messages:send of its HTTP v1 API, and service accounts that log in."""

from backoffice.sandbox.fcm.service import KINDS, PROJECT, Fcm, fcm_faults

__all__ = ["KINDS", "PROJECT", "Fcm", "fcm_faults"]
