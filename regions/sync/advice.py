"""What people are told of outcomes, reasons and rules: what it means, and what to do so that it does not come again."""

from typing import Final

from regions.sync import verdict

# Of each outcome that somebody has to act on.
OUTCOMES: Final = {
    verdict.INVALID_PHONE: "Correct the number in the sheet, then re-run what failed.",
    verdict.INVALID_IDENTIFIER: "Put the patient's identifier into the sheet as text, then re-run what failed.",
    verdict.NOT_FOUND: "No patient has this identifier in the region's system. Correct it in the sheet, or register "
    "the patient.",
    verdict.AMBIGUOUS: "Only another system, or a use that has ended, knows this identifier. Nobody was changed: it "
    "might be somebody else. Correct the patient's identifier at the FHIR server.",
    verdict.INACTIVE: "The patient was merged into another one or is no longer active. Put the identifier of the one "
    "that is kept into the sheet.",
    verdict.CONFLICT: "Somebody changed the patient at the same moment, several times. Re-run what failed.",
    verdict.REFUSED: "The FHIR server does not take the change. Have an engineer look at the server's rules.",
    verdict.SERVER_FAILED: "The FHIR server had a fault. Re-run what failed once it works again.",
    verdict.UNKNOWN: "The FHIR server did not answer. The region's next sync reads the patient and settles it first.",
    verdict.UNEXPECTED: "Nobody has foreseen this row's data. Have an engineer look the row up in the log, by the id "
    "in brackets.",
}

# Why a cell holds no number that can be used (regions.phones.clean).
REASONS: Final = {
    "empty": "Make the number a required field of the form.",
    "digits lost": "The spreadsheet shortened the number. Format the column as text before numbers are typed.",
    "too short": "Check the number of digits where it is typed.",
    "too long": "Two numbers may be glued together: give each its own field.",
    "not a number": "Let the field take digits only.",
    "misplaced plus": "A plus stands in front of the country code and nowhere else.",
    "no such number": "The number is not in use in its country: have it read back to the patient.",
    "service number": "This is nobody's own phone (free, premium or voicemail): ask for the patient's.",
    "no country code": "Set the region's country, or ask for numbers with their country code.",
    "several, none valid": "Ask for one number in one field.",
    "unexpected fault": "Nobody knows whether the cell holds a number. Have an engineer look the row up in the log.",
}

# What cleaning had to do to a cell.
RULES: Final = {
    "float": "Format the column as text: a number got a decimal point.",
    "scientific": "Format the column as text: the number was shown with an exponent.",
    "thousands": "Format the column as text: the number got thousands separators.",
    "several": "Ask for one number in one field; the first valid one was taken.",
    "label": "Keep words out of the field for numbers.",
    "separators": "Blanks, dots or hyphens were taken out. Harmless.",
    "double zero prefix": "Write + instead of 00.",
    "no plus": "Write + in front of the country code.",
    "leading zero": "The sheet had dropped the first 0. Format the column as text.",
    "zero after the country code": "Leave the 0 out after the country code.",
    "other country": "The number is of another country than the region. Check that it is the patient's.",
    "undeliverable": "Messages to this number come back. Ask the patient for another one.",
    "fixed line": "It is no mobile number: no SMS arrives there. Ask for a mobile one.",
}
