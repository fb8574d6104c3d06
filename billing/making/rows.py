"""A claim as rows: what lists and searches need stands in open columns beside the encrypted content."""

import hashlib
import json
from collections.abc import Sequence

from billing.content import stored
from billing.making.build import Draft
from billing.making.sources import Source
from billing.models import Claim, ClaimEvent, ClaimLine
from claims.edi.claims import Claim as Content
from claims.edi.standing import ServiceKey, service_key
from claims.edi.status import State
from regions.models import Region

# What is made of the content, and made again with it.
OF_CONTENT = ("payer_id", "provider", "first_day", "last_day", "charge", "content")


def claim_row(draft: Draft, source: Source, region: Region) -> Claim:
    """The first version's row, not saved."""
    row = Claim(
        region=region, kind=draft.kind, part=draft.part, appointment_id=source.appointment_id,
        patient_id=source.patient_id, control=draft.claim.control, **{f"{source.origin}_id": source.pk},
    )  # fmt: skip
    return with_content(row, draft.claim)


def with_content(row: Claim, content: Content) -> Claim:
    """The row, saying what the content says."""
    row.payer_id = content.payer.payer_id
    row.provider = content.billing.npi or content.billing.tax_id
    row.first_day = min(line.begins for line in content.lines)
    row.last_day = max(line.ends or line.begins for line in content.lines)
    row.charge = content.charge
    row.content = stored(content)
    return row


def line_rows(row: Claim, content: Content, blocks: Sequence[str]) -> list[ClaimLine]:
    """The lines of a saved claim; `blocks` in their order."""
    return [
        ClaimLine(
            claim=row, number=number, control=line.control, block_code=block, procedure=line.procedure,
            modifiers=" ".join(line.modifiers), charge=line.charge, quantity=line.quantity, first_day=line.begins,
            last_day=line.ends or line.begins, service_key=digest(service_key(content, line)),
        )
        for number, (line, block) in enumerate(zip(content.lines, blocks, strict=True), 1)
    ]  # fmt: skip


def digest(key: ServiceKey | None) -> str:
    """ClaimLine.service_key: SHA-256; empty where the service was done again on purpose."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest() if key else ""


def draft_event(row: Claim, says: str) -> ClaimEvent:
    return ClaimEvent(claim=row, key=State.DRAFT.value, state=State.DRAFT, says=says)
