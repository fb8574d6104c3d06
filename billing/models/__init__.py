"""Claims on their way to the clearinghouse and back: what they are made of, what was sent, what was answered.

What is about a person is in encrypted columns; the open ones hold ids, codes, days and amounts. Money is Decimal
dollars. A claim's state is a function of its events (claims/edi/status.py), which are only ever added to.
"""

from billing.models.answers import Answer as Answer
from billing.models.answers import Payment as Payment
from billing.models.claims import Claim as Claim
from billing.models.claims import ClaimEvent as ClaimEvent
from billing.models.claims import ClaimLine as ClaimLine
from billing.models.documents import Batch as Batch
from billing.models.documents import BatchSet as BatchSet
from billing.models.documents import Document as Document
from billing.models.documents import DocumentPart as DocumentPart
from billing.models.reference import BillingPatient as BillingPatient
from billing.models.reference import BillingPayer as BillingPayer
from billing.models.reference import BillingProvider as BillingProvider
from billing.models.reference import CaseDiagnosis as CaseDiagnosis
from billing.models.reference import Charge as Charge
from billing.models.services import LoadedService as LoadedService
from billing.models.services import Unclaimable as Unclaimable
