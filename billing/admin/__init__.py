"""The admin of billing: what importing these registers."""

from billing.admin.answers import AnswerAdmin
from billing.admin.batches import BatchAdmin
from billing.admin.claims import ClaimAdmin
from billing.admin.documents import DocumentAdmin
from billing.admin.payments import PaymentAdmin
from billing.admin.unclaimable import UnclaimableAdmin

__all__ = ("AnswerAdmin", "BatchAdmin", "ClaimAdmin", "DocumentAdmin", "PaymentAdmin", "UnclaimableAdmin")
