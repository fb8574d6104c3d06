"""Canaries: values of a patient that occur nowhere else, so that a scan for them has no doubtful finds."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """`texts`: spellings, of which upper case and accents do not matter. `digits`: runs of digits, whatever separates
    them in the text."""

    name: str
    texts: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()


GIVEN, FAMILY = "Zyxandriel", "Quörvaxley"
BIRTH_DATE = "1937-10-23"
PHONE, NEW_PHONE = "+13125559173", "+6281357913579"
EMAIL, DEVICE = "zqxv.mailbox@vexmoor.example", "devicetoken-vqzjx-5591"
STREET, CITY, ZIP = "4711 Wixelbrook Lane", "Yfforgville", "689417733"
PATIENT, MEMBER, CLAIM_MEMBER = "PTXQV83316", "MBRQVX7731904", "CLMQXJ550271"
INSURANCE = "INSVQX9027715"
IDENTIFIER, FHIR_ID = "3303719955028461", "fhirpatvxq61"
ANSWER, QUESTION_LINK = "allergic to xylobrombat", "swallows-vexulin"
VIDEO, VIDEO_NAME = "gait-vqortex-left.mp4", "knee-wqyzzle"
LAB_NUMBER, RESULT = "MRNVXQ44120", "analyte-zwixquolin"

CANARIES = (
    Canary(name="given name", texts=(GIVEN,)),
    Canary(name="family name", texts=(FAMILY, "quorvaxley")),
    Canary(name="birth date", texts=("Oct. 23, 1937", "October 23, 1937", "23 October 1937", "23 Oct 1937"),
           digits=("19371023", "10231937", "23101937")),
    Canary(name="phone", digits=("3125559173", "81357913579")),
    Canary(name="e-mail address", texts=(EMAIL, "zqxv.mailbox", "vexmoor")),
    Canary(name="device of an app", texts=(DEVICE,)),
    Canary(name="address", texts=("wixelbrook", CITY), digits=(ZIP,)),
    Canary(name="patient id", texts=(PATIENT,)),
    Canary(name="member id", texts=(MEMBER,)),
    Canary(name="claim member id", texts=(CLAIM_MEMBER,)),
    Canary(name="insurance id", texts=(INSURANCE,)),
    Canary(name="identifier of a FHIR patient", digits=(IDENTIFIER,)),
    Canary(name="id of a FHIR patient", texts=(FHIR_ID,)),
    Canary(name="answer of a questionnaire", texts=(ANSWER, "xylobrombat", "vexulin")),
    Canary(name="name of a video", texts=("vqortex", "wqyzzle")),
    Canary(name="number at a laboratory", texts=(LAB_NUMBER,)),
    Canary(name="result of a laboratory", texts=("zwixquolin",)),
)  # fmt: skip
# What a peer says in its errors: all that it was told, as careless ones do.
ALL = " ".join(
    (
        f"{FAMILY}, {GIVEN}", BIRTH_DATE, PHONE, NEW_PHONE, EMAIL, DEVICE, STREET, CITY, ZIP, PATIENT, MEMBER,
        CLAIM_MEMBER, INSURANCE, IDENTIFIER, FHIR_ID, ANSWER, QUESTION_LINK, VIDEO, VIDEO_NAME, LAB_NUMBER, RESULT,
    )
)  # fmt: skip
