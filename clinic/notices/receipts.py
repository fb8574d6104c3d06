"""Delivery receipts: what Twilio says later of a message, in whatever order it says it."""

import uuid

from backoffice.adapters.sms import Found
from clinic.notices.models import Channel, Notice
from clinic.notices.settling import note_status
from regions.models import Region

READ = {"read": "delivered"}  # of channels that tell when a message was read


def note_receipt(region: Region, row_id: uuid.UUID | None, sid: str, status: str, error: int) -> bool:
    """Whether it changed a row. The row's own name comes with the address that Twilio was given: it may call before we
    know its SID, and then settles what was not answered."""
    rows = Notice.objects.select_related("region").filter(region=region, channel=Channel.SMS)
    notice = rows.filter(row_id=row_id).first() if row_id else rows.filter(vendor_id=sid).first()
    if notice is None or notice.vendor_id not in ("", sid):
        return False
    return note_status(notice, Found(sid=sid, status=READ.get(status, status), error=error), "receipt")
