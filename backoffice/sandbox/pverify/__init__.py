"""The sandbox pVerify: EasyEligibilitySummary and what is polled, with a bill."""

from backoffice.sandbox.pverify.service import KINDS, PVerify, pverify_faults

__all__ = ["KINDS", "PVerify", "pverify_faults"]
