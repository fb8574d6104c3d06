"""manage.py list_claim_files: what is new in the region's mailbox at its clearinghouse, into the database."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced; a file that is still growing is left for the next time."""

    help = "Fetches the files of the region's clearinghouse that are not known yet; nothing is removed there."
    job = "list_claim_files"
