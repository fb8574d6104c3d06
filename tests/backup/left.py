"""What the last night of a region has left, into a file: python -m tests.backup.left REGION FILE. In its database."""

import os
import pickle
import sys
from pathlib import Path

import django


def main(region: str, file: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    from backoffice.runs.models import Run
    from tests.claims.folders import night_of
    from tests.claims.undisturbed import assert_no_file_is_left_over, left_by

    run = Run.objects.filter(region__name=region).latest("pk")
    assert_no_file_is_left_over(night_of(run))
    Path(file).write_bytes(pickle.dumps(left_by(run)))


if __name__ == "__main__":
    main(*sys.argv[1:])
