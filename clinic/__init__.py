"""The clinic: missing-service recovery."""
