"""What the nightly pipeline keeps: staged claims and reference tables, nights, their outputs, and the accumulators.

The record of the pipeline is the claim line; its key is (claim_id, line_number). Money is integer cents in what a night
computes and Decimal at the edges: reference tables that people read and edit. The bulk tables (PricedClaim,
AdjudicatedClaim, BeforeImage) are written by the million; their integer keys carry night, partition and position
(claims/pipeline/numbers.py), and nothing else is indexed while they grow.
"""

from claims.models.accumulators import Accumulator as Accumulator
from claims.models.accumulators import AccumulatorFence as AccumulatorFence
from claims.models.accumulators import BeforeImage as BeforeImage
from claims.models.accumulators import Restoration as Restoration
from claims.models.documents import RemittanceDocument as RemittanceDocument
from claims.models.night import AdjudicatedClaim as AdjudicatedClaim
from claims.models.night import Night as Night
from claims.models.night import OutputFile as OutputFile
from claims.models.night import PricedClaim as PricedClaim
from claims.models.night import Remittance as Remittance
from claims.models.night import StepSetting as StepSetting
from claims.models.received import ControlNumber as ControlNumber
from claims.models.received import ReceivedClaim as ReceivedClaim
from claims.models.received import ReceivedSet as ReceivedSet
from claims.models.reference import ContractTerms as ContractTerms
from claims.models.reference import Fee as Fee
from claims.models.reference import MemberBenefit as MemberBenefit
from claims.models.reference import Money as Money
from claims.models.reference import Plan as Plan
from claims.models.reference import PlanBenefit as PlanBenefit
from claims.models.reference import ProcedureCode as ProcedureCode
from claims.models.reference import Provider as Provider
from claims.models.reference import RemittancePayer as RemittancePayer
from claims.models.staging import StagedBatch as StagedBatch
from claims.models.staging import StagedLine as StagedLine
