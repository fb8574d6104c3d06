"""Why a message was or was not sent: the words of the ledger, and what they mean to people."""

REASONS = {
    "": "",
    # planned
    "again": "another try, since the vendor could not take it",
    "night": "kept until 08:00: it was night where the patient is",
    "replanned": "planned again for this time",
    "not_there": "to be sent again: the vendor says that it never had it",
    # withdrawn
    "moved": "the visit was moved to another time",
    "cancelled": "the visit was cancelled",
    "missed": "the visit was missed",
    "came": "the patient had come",
    "other_moment": "it is due at another time now",
    "offer_over": "the offer was taken, declined or over",
    "superseded": "something newer had happened by then",
    # not sent
    "booked_late": "its time was past when the visit was booked or moved",
    "past": "its time had passed before it could be sent",
    "quiet": "it could only have been sent at night",
    "same_moment": "the reminder of the morning goes at the same moment and says the same",
    "opted_out": "the patient has written STOP",
    "no_contact": "the patient has no number, address or device for it",
    "bounced": "messages to this number come back; it is listed under Undeliverable numbers",
    "channel_off": "the region has no account for this channel",
    "unsubscribed": "the patient has left the bed time messages",
    # failed, and tries that are made again
    "address": "the number, address or device does not exist or takes no such message",
    "busy": "the vendor could not take it",
    "account": "the vendor refuses our account",
    "message": "the vendor refuses this text",
    "other": "the vendor gives no reason that is known here",
    "unreadable": "what it needs does not open with the keys at hand",
    # maybe sent
    "unanswered": "the vendor did not answer",
    "interrupted": "the sender ended before it knew the answer",
    # sent
    "found": "the vendor was asked, and has it",
    "receipt": "the vendor says so",
}


def meaning(reason: str) -> str:
    """The sentence of a coded reason."""
    return REASONS.get(reason, reason.replace("_", " "))
