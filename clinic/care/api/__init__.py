"""The endpoints of the clinic's jobs."""
