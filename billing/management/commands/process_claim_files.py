"""manage.py process_claim_files: what the clearinghouse and the payers say in the files that were fetched."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced; parked payments and answers without a claim do not change it."""

    help = "Reads the files that were fetched: acknowledgements, statuses and payments move the claims they name."
    job = "process_claim_files"
