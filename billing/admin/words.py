"""What states of claims, batches, files and payments say to people: a colour, and what to do next.

Tones are good, bad, warn, busy or nothing; none is the only sign, since the state is always written beside it.
"""

from collections.abc import Mapping

from billing.models import Batch, Claim, Document, Payment
from claims.edi.code_texts import ADJUSTMENT_REASONS
from claims.edi.status import State

TONES: Mapping[str, str] = {
    State.VALIDATED: "busy",
    State.BATCHED: "busy",
    State.UPLOADED: "busy",
    State.RECEIVED: "busy",
    State.IN_TRANSIT: "busy",
    State.ACCEPTED_BY_CLEARINGHOUSE: "busy",
    State.ACCEPTED_BY_PAYER: "busy",
    State.PENDING: "busy",
    State.FINALISED: "busy",
    State.FILE_FAILED: "bad",
    State.REJECTED_BY_CLEARINGHOUSE: "bad",
    State.REJECTED_BY_PAYER: "bad",
    State.DENIED: "bad",
    State.INFORMATION_REQUESTED: "warn",
    State.PARTLY_PAID: "warn",
    State.REVERSED: "warn",
    State.PATIENT_SHARE: "warn",
    State.PAID: "good",
    State.NEXT_PAYER: "good",
}

ADVICE: Mapping[str, str] = {
    State.DRAFT: "It has not been checked yet, or was refused. It is sent once nothing is wrong with it.",
    State.VALIDATED: "Nothing is wrong with it. The next submission sends it.",
    State.BATCHED: "It is in a file that waits to be sent.",
    State.UPLOADED: "The clearinghouse has the file and has not acknowledged it yet. That is no acceptance.",
    State.RECEIVED: "The file could be read. That is no acceptance: the clearinghouse and the payer decide next.",
    State.FILE_FAILED: "Nothing of its file was taken. Put right what is named below, then make the claim again.",
    State.ACCEPTED_BY_CLEARINGHOUSE: "The clearinghouse sends it on. The payer has not answered yet.",
    State.IN_TRANSIT: "It is on its way to another party.",
    State.REJECTED_BY_CLEARINGHOUSE: "It went no further than the clearinghouse. Correct it, then make it again.",
    State.ACCEPTED_BY_PAYER: "The payer decides on it. The remittance says how.",
    State.PENDING: "The payer has it and has not decided.",
    State.INFORMATION_REQUESTED: "The payer asks for something: send it, or the claim stays where it is.",
    State.REJECTED_BY_PAYER: "The payer did not take it for a decision. Correct it, then make it again.",
    State.FINALISED: "The payer has decided. The remittance (835) says how.",
    State.PAID: "Paid in full: what is paid, what the contract takes off and the patient's share make up the charge.",
    State.PARTLY_PAID: "Part of it was not paid. See which lines and why; replace the claim if it was wrong.",
    State.DENIED: "Nothing was paid. See why; replace the claim if it was wrong, or appeal to the payer.",
    State.PATIENT_SHARE: "All that is allowed is the patient's to pay.",
    State.NEXT_PAYER: "This payer has paid and sent it to the next one.",
    State.FORWARDED: "It is not this payer's: it was sent to another one.",
    State.NO_PAYMENT: "A predetermination: no payment follows from it.",
    State.REVERSED: "An earlier payment was taken back. A corrected decision usually follows.",
}
REFUSED = "It is not sent while one of its rules is broken. Put right what is named, then make the claim again."
WITHDRAWN = "It was withdrawn: it was never sent and will not be."

# Of these a person has to do something: the claim does not move by itself.
REJECTED = (State.FILE_FAILED, State.REJECTED_BY_CLEARINGHOUSE, State.REJECTED_BY_PAYER)

BATCH_TONES: Mapping[str, str] = {
    Batch.State.BATCHED: "busy",
    Batch.State.UPLOADING: "busy",
    Batch.State.UPLOADED: "good",
    Batch.State.UNCONFIRMED: "warn",
    Batch.State.FAILED: "bad",
}
BATCH_ADVICE: Mapping[str, str] = {
    Batch.State.BATCHED: "The next submission sends it, under the numbers that it has.",
    Batch.State.UPLOADING: "A worker is at it. If none is, the next submission looks whether it arrived.",
    Batch.State.UPLOADED: "The clearinghouse has it. Accepted it is only when an acknowledgement says so.",
    Batch.State.UNCONFIRMED: "An error came after its last byte, so that it may have arrived or not. A 999 decides, "
    "or you: ask the clearinghouse whether it has this file. It is never sent again by itself.",
    Batch.State.FAILED: "Nothing of it is at the clearinghouse.",
}
DOCUMENT_TONES: Mapping[str, str] = {
    Document.State.NEW: "busy",
    Document.State.READ: "good",
    Document.State.PARTLY: "warn",
    Document.State.UNREADABLE: "bad",
    Document.State.SETTLED: "",
}
PAYMENT_TONES: Mapping[str, str] = {
    Payment.State.POSTED: "good",
    Payment.State.UNMATCHED: "warn",
    Payment.State.PARKED: "bad",
    Payment.State.REPEATED: "",
    Payment.State.SETTLED: "",
}
PAYMENT_ADVICE: Mapping[str, str] = {
    Payment.State.POSTED: "It balances, and its claims were moved.",
    Payment.State.UNMATCHED: "It balances, and names no claim of ours: its dollars count nowhere. Link one of its "
    "answers to its claim, and it counts as posted; or settle it where it is another's, which puts its answers aside.",
    Payment.State.PARKED: "Nothing of it was posted, for the reason that stands here. Ask the payer or the "
    "clearinghouse for it once more; when that one is posted, or the money is booked elsewhere, settle this one.",
    Payment.State.REPEATED: "A payment with this trace was posted before, so it changes nothing.",
    Payment.State.SETTLED: "Somebody has settled it outside, or it came whole later: this one moves no claim.",
}
SET_CODES = {
    "": "not acknowledged",
    "A": "accepted",
    "E": "accepted with errors",
    "P": "partly accepted",
    "R": "rejected",
    "M": "rejected: its authentication failed",
    "W": "rejected: its assurance failed",
    "X": "rejected: it could not be decrypted",
}
FREQUENCIES = {"1": "original", "6": "corrected", "7": "replacement", "8": "void"}
GROUPS = {
    "CO": "contractual",
    "PR": "patient's share",
    "OA": "other",
    "PI": "payer's decision",
    "CR": "correction",
}


def advice_of(claim: Claim) -> str:
    """What to do about the claim, in a sentence."""
    if claim.withdrawn:
        return WITHDRAWN
    return REFUSED if claim.refused else ADVICE[claim.state]


def reason_says(group: str, reason: str) -> str:
    """CO 45 in words: whose it is, and why; the reason alone where we have no words for it."""
    says = ADJUSTMENT_REASONS.get(reason, "")
    return f"{GROUPS.get(group, group)}: {says[:1].lower()}{says[1:]}" if says else GROUPS.get(group, group)
