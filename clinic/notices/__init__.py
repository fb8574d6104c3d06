"""What patients are told of their appointments, and at bedtime: one ledger row per message (docs/notifications.md)."""
