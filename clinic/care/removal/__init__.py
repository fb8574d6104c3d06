"""Removing a patient: what would go, what forbids it, and doing it in one transaction."""
