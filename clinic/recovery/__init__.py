"""Missing-service recovery: the decision table and the phases of its chunks (clinic/jobs.py declares the job)."""
