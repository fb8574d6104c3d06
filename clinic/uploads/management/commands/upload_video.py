"""manage.py upload_video: check what has come and was not checked yet, such as while the queue was down."""

from backoffice.runs.command import JobCommand


class Command(JobCommand):
    """Exit status 0: complete and balanced; a file that is no video does not change it."""

    help = "Checks each video that has come whole: by its content it is completed, or failed with the reason."
    job = "upload_video"
