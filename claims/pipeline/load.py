"""load_claims: a folder of CSV files into the staging and reference tables, all of it or nothing.

What is wrong with a claim line is for the validation to say; refused here are files that cannot be read, missing and
duplicate keys, and reference rows with values that are none.
"""

from pathlib import Path

from django.db import transaction

from backoffice.audit import record_change
from backoffice.runs.faults import Misuse
from backoffice.runs.models import LIVE, Run
from claims.models import StagedBatch
from claims.pipeline import accumulators
from claims.pipeline.delivered import FolderRefused as FolderRefused
from claims.pipeline.delivered import Problems
from claims.pipeline.lines import LINE_COLUMNS as LINE_COLUMNS
from claims.pipeline.lines import LINES, load_lines, refuse_keys
from claims.pipeline.opening import ACCUMULATOR_COLUMNS as ACCUMULATOR_COLUMNS
from claims.pipeline.opening import ACCUMULATORS, opening_accumulators
from claims.pipeline.tables import TABLES as TABLES
from claims.pipeline.tables import load_table
from regions.models import Region


def load(folder: Path, region: Region) -> StagedBatch:
    """Stage the folder's lines and make the reference tables what its files say; files that it lacks change nothing.

    Raises FolderRefused with file and line of what is wrong; then nothing was changed.
    """
    if not (folder / LINES).is_file():
        raise FolderRefused([f"{folder}: there is no {LINES} in it"])
    if Run.objects.filter(region=region, job="run_pipeline", status__in=LIVE).exists():
        raise Misuse(f"A night of {region.name} is running. Load when it has ended, or stop it.")
    problems = Problems()
    with transaction.atomic():
        for name, table in TABLES.items():
            if (folder / name).exists():
                load_table(folder / name, table, region, problems)
        opening = opening_accumulators(folder / ACCUMULATORS, region, problems)
        batch = StagedBatch.objects.create(region=region, source=str(folder)[-200:])
        batch.lines = load_lines(folder / LINES, batch, problems)
        problems.refuse()
        refuse_keys(batch, problems)
        problems.refuse()
        batch.save(update_fields=["lines"])
        record_change(batch, {"lines": ("0", str(batch.lines))})
        # Last: in a database of their own they are not undone with the rest.
        with transaction.atomic(using=accumulators.database()):
            accumulators.write(region.pk, opening)
    return batch
