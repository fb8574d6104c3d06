"""The decision table, rows 11 to 13 and 16: what the hospital's answer to a write comes to."""

from backoffice.adapters.hospital_types import Session, WriteError
from clinic.recovery.decide import billed_blocks
from clinic.recovery.verdict import Decision, Dropped, Plan

BLOCK_REFUSALS = frozenset({"BLOCK_REJECTED", "BLOCK_NOT_VALID", "BLOCK_ALREADY_BILLED"})
VALIDATION = frozenset({"CASE_CLOSED", "VALIDATION_FAILED"}) | BLOCK_REFUSALS
WRITE_PATH = frozenset({"FORBIDDEN", "INTERNAL"})


def answered(plan: Plan, answer: Session | tuple[WriteError, ...]) -> Decision | Plan:
    """The outcome, or the plan that is left to be tried as a write of its own."""
    if isinstance(answer, Session):
        return accepted(plan, answer)
    return refused(plan, answer)


def accepted(plan: Plan, session: Session) -> Decision:
    """Row 16, unless the session's services do not all stand: then somebody has cancelled it."""
    if {line.block for line in plan.lines} <= billed_blocks([session]):
        return plan.written()
    return plan.failed("write_path", "session_cancelled")


def refused(plan: Plan, errors: tuple[WriteError, ...]) -> Decision | Plan:
    """Rows 11 to 13."""
    lines = {line.block: line for line in plan.lines}
    if errors and all(error.code in BLOCK_REFUSALS and error.block_code in lines for error in errors):
        faults = {error.block_code: error.code for error in errors if error.block_code}
        already = [code for code, reason in faults.items() if reason == "BLOCK_ALREADY_BILLED"]
        dropped = [Dropped(lines[code], reason) for code, reason in faults.items() if code not in already]
        return _left(plan.without(dropped, already))
    codes = {error.code for error in errors}
    if of_whole := codes & (VALIDATION - BLOCK_REFUSALS) or codes & VALIDATION:
        return plan.failed("validation", ";".join(sorted(of_whole)))
    return plan.failed("write_path", ";".join(sorted(codes & WRITE_PATH)) or "unreadable_answer")


def previewed(plan: Plan) -> Decision:
    """What a writing run would come to, as far as a preview can know: a closed case is refused by the hospital."""
    if plan.destination.case_closed:
        return plan.failed("validation", "CASE_CLOSED", phase="prepare")
    return plan.written()


def _left(plan: Plan) -> Decision | Plan:
    if plan.lines:
        return plan
    if plan.dropped:
        return plan.no_block_left(phase="write")
    return plan.already_billed()
