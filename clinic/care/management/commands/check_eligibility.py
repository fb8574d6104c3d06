"""manage.py check_eligibility: ask payers about the coverage of a region's patients, once a month each."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced; what payers reject does not change it."""

    help = "Asks pVerify about each active record that the month has no report of, and polls what is pending."
    job = "check_eligibility"
