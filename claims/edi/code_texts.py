"""Codes of the answers in our own words, for whoever works them. A code that is not here is shown as it is.

The code sets are the standard's; the sentences are ours, and of the frequent codes only. Source: edi.md 6.2 to 6.4.
"""

SEGMENT_ERRORS = {
    "1": "The segment is not known.",
    "2": "The segment is not expected here.",
    "3": "A required segment is missing.",
    "4": "The loop is there too often.",
    "5": "The segment is there too often.",
    "6": "The segment is not part of this transaction.",
    "7": "The segment is out of order.",
    "8": "Elements of the segment have errors.",
    "I4": "The guide does not use this segment.",
    "I6": "A segment that depends on another is missing.",
    "I7": "The loop is not there often enough.",
    "I8": "The segment is not there often enough.",
    "I9": "A segment that depends on another is there without need.",
}  # IK304, AK304
ELEMENT_ERRORS = {
    "1": "A required element is missing.",
    "2": "An element that another one asks for is missing.",
    "3": "There are too many elements.",
    "4": "The element is too short.",
    "5": "The element is too long.",
    "6": "The element has a character that is not allowed.",
    "7": "The code is not valid.",
    "8": "The date is not valid.",
    "9": "The time is not valid.",
    "10": "Two elements exclude each other.",
    "12": "The element is repeated too often.",
    "13": "There are too many components.",
    "I6": "The guide does not have this code.",
    "I9": "An element that depends on another is missing or there without need.",
    "I10": "The guide does not use this element.",
    "I11": "There are fewer repetitions than the guide asks for.",
    "I12": "The element does not have the form that the guide asks for.",
    "I13": "An element that depends on another is not used here.",
}  # IK403, AK403
SET_ERRORS = {
    "1": "The transaction is not supported.",
    "2": "The trailer is missing.",
    "3": "The control numbers of header and trailer differ.",
    "4": "The number of segments is not the one in the trailer.",
    "5": "Segments have errors.",
    "6": "The transaction's identifier is not valid.",
    "7": "The control number is not valid.",
    "23": "The control number is not unique in its group.",
    "I5": "The guide is not supported.",
    "I6": "The guide's version is not supported.",
}  # IK502, AK502
CATEGORIES = {
    "A0": "Forwarded to another party.",
    "A1": "Received; not accepted yet.",
    "A2": "Accepted into adjudication.",
    "A3": "Returned: it cannot be processed.",
    "A4": "Not found.",
    "A5": "Split into several claims.",
    "A6": "Rejected: information is missing.",
    "A7": "Rejected: information is not valid.",
    "A8": "Rejected: fields contradict each other.",
    "D0": "The search found nothing.",
    "E0": "The request was not understood.",
    "E1": "The system does not answer.",
}  # STC01-1; families below
CATEGORY_FAMILIES = {
    "P": "Pending.",
    "R": "More information is requested.",
    "F": "Finalised; the 835 says how.",
    "E": "An error of the payer's system.",
}
STATUSES = {
    "19": "Received by the entity.",
    "20": "Accepted for processing.",
    "21": "Information is missing or not valid.",
    "24": "The provider is not approved to submit electronically.",
    "33": "The subscriber was not found.",
    "97": "The patient is not covered on the payer's files.",
    "116": "The claim was sent to the wrong payer.",
    "562": "The provider's NPI.",
}  # STC01-2
ADJUSTMENT_REASONS = {
    "1": "Deductible.",
    "2": "Coinsurance.",
    "3": "Copay.",
    "4": "The modifier does not go with the procedure, or is missing.",
    "11": "The diagnosis does not go with the procedure.",
    "15": "The authorisation number is missing or not valid.",
    "16": "Information is missing or there are billing errors; see the remark codes.",
    "18": "An exact duplicate.",
    "22": "Another payer may have to pay first.",
    "23": "What earlier payers paid or adjusted.",
    "24": "Covered by a capitation agreement.",
    "26": "Before coverage began.",
    "27": "After coverage ended.",
    "29": "The time limit for filing has passed.",
    "31": "The patient is not known as insured.",
    "45": "The charge is over the contracted or allowed amount.",
    "50": "Not seen as medically necessary.",
    "96": "Not covered.",
    "97": "Included in the payment for another service.",
    "109": "Not covered by this payer; send it to the right one.",
    "119": "The benefit's maximum was reached.",
    "140": "The patient's number and name do not match.",
    "151": "The information does not support this many services.",
    "167": "The diagnosis is not covered.",
    "197": "There was no authorisation or notice beforehand.",
    "204": "Not covered under the patient's plan.",
    "252": "An attachment is needed.",
    "253": "Sequestration.",
}  # CARC


def category_says(category: str) -> str:
    """The sentence of a 277's category, or of its family; "" where neither is known."""
    return CATEGORIES.get(category) or CATEGORY_FAMILIES.get(category[:1], "")
