"""manage.py submit_claims: what is validated, as 837P files, to the region's clearinghouse."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced. Uploaded is said of a file only when the server has it."""

    help = "Writes 837P files of the claims that are validated and uploads them; whatever waits from before as well."
    job = "submit_claims"
