"""All that a night leaves behind, as digests that must be the same however it got there."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.db import connections

from backoffice.runs.models import Failure, Run, StepState
from claims.models import BeforeImage, Night, OutputFile, Remittance
from claims.pipeline import accumulators, files
from claims.pipeline.validate import DECISIONS

OUTPUTS = (DECISIONS, "extract", "valid", "reject", "enriched", "audit", "remitted", "remittance")


def snapshot(run: Run) -> dict[str, str]:
    """Name of a table, file output or step → digest; files that no row vouches for are counted as "left over"."""
    night = Night.objects.get(chain=run.chain)
    found = {
        f"{state.name}: {output}": _digest([json.dumps(figures, sort_keys=True)])
        for state in StepState.objects.filter(chain=run.chain)
        for output, figures in state.outputs.items()
    }
    with connections[accumulators.database()].cursor() as cursor:
        cursor.execute(
            "SELECT member_id, benefit_year, fields FROM claims_accumulator ORDER BY member_id, benefit_year"
        )
        found["accumulators"] = _digest(cursor.fetchall())
    images = BeforeImage.objects.order_by("id").values_list("id", "member_id", "benefit_year", "before", "after")
    found["before images"] = _digest(images.iterator())
    found["remittances"] = _digest(
        Remittance.objects.order_by("provider_npi").values_list("provider_npi", "claims", "lines", "billed", "paid")
    )
    found["rejects"] = _digest(
        Failure.objects.filter(run__chain=run.chain).order_by("reference").values_list("reference", "reason", "detail")
    )
    found["files"] = _digest(
        OutputFile.objects.filter(night=night).values_list("output", "partition", "number", "first", "last", "records")
    )
    vouched = set(OutputFile.objects.filter(night=night).values_list("name", flat=True))
    found["left over"] = str(sum(name not in vouched for output in OUTPUTS for name in files.listed(night, output)))
    return found


def _digest(rows: Iterable[Any]) -> str:
    sha = hashlib.sha256()
    for row in rows:
        sha.update(repr(row).encode() + b"\n")
    return sha.hexdigest()[:16]
