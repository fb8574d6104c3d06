"""manage.py track_appointment_states: look at the appointments that are due, and at those of an hour ago."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced."""

    help = "Notes the state of each appointment at its time; an hour after, who has not come is missed."
    job = "track_appointment_states"
