"""The envelope of our own files: who sends what to whom, when, under which numbers; and the file's name."""

import re
from dataclasses import dataclass
from datetime import datetime

from claims.edi.claims import Kind
from claims.edi.clean import clean, is_clean
from claims.edi.segments import COMPONENT, ELEMENT, REPETITION, NotWritable, day, segment

GUIDE = "005010X222A1"
MOST_CLAIMS = 5_000
MOST_CONTROL = 999_999_999
QUALIFIER, PHONE = re.compile(r"[0-9A-Z]{2}"), re.compile(r"[2-9][0-9]{9}")
TEST_REFERENCE = re.compile(r"T[0-9]{13}")
LINE_BREAKS = ("", "\n", "\r\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interchange:
    """Who sends to whom, when. `control` becomes ISA13 and GS06; `when` is written as its own zone reads it.

    `line_break` follows each terminator: nothing, LF or CR LF.
    """

    control: int
    when: datetime
    test: bool
    sender: str
    receiver: str
    sender_qualifier: str = "ZZ"
    receiver_qualifier: str
    group_sender: str
    group_receiver: str
    acknowledge: bool = False
    line_break: str = "\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope(Interchange):
    """An interchange of claims of one kind."""

    kind: Kind
    submitter: str
    submitter_id: str
    contact: str
    phone: str
    receiver_name: str
    receiver_id: str
    claims_per_set: int = MOST_CLAIMS


def file_name(envelope: Envelope) -> str:
    """Unique through ISA13, and without patient data; OATEST tells the clearinghouse not to forward it."""
    prefix = "OATEST_" if envelope.test else ""
    return f"{prefix}837P_{envelope.kind}_{envelope.when:%Y%m%d%H%M%S}_{envelope.control:09d}.txt"


def reference_of(envelope: Envelope, number: int) -> str:
    """BHT03 of the file's ST of that number."""
    return f"{'T' if envelope.test else 'P'}{envelope.control:09d}{number:04d}"


def is_of_test(reference: str) -> bool:
    """Whether it is the BHT03 of a test file, as reference_of makes it."""
    return TEST_REFERENCE.fullmatch(reference) is not None


def check(envelope: Envelope) -> None:
    """What holds of every interchange; who submits and receives can be named; claims per ST are in bounds."""
    named = (envelope.submitter, envelope.contact, envelope.receiver_name)
    ids = (envelope.submitter_id, envelope.receiver_id)
    check_interchange(envelope)
    _refuse(
        {
            "The names and the contact (1000A, 1000B) must have Latin letters.": not all(
                clean(name, 60) for name in named
            ),
            "The ids (1000A, 1000B NM109) must have 2 to 80 plain characters.": not all(
                _is_id(text, 80) for text in ids
            ),
            "The phone (1000A PER04) must be ten digits without a leading 1.": not PHONE.fullmatch(envelope.phone),
            f"Claims per ST must be 1 to {MOST_CLAIMS}.": not 1 <= envelope.claims_per_set <= MOST_CLAIMS,
        }
    )


def check_interchange(envelope: Interchange) -> None:
    """ISA is read by position, so that nothing in it may be too long."""
    qualifiers = (envelope.sender_qualifier, envelope.receiver_qualifier)
    faults = {
        "The control number (ISA13) must be 1 to 999999999.": not 1 <= envelope.control <= MOST_CONTROL,
        "The sender's id (ISA06) must have 1 to 15 plain characters.": not is_clean(envelope.sender, 15),
        "The receiver's id (ISA08) must have 1 to 15 plain characters.": not is_clean(envelope.receiver, 15),
        "The sender's id (GS02) must have 2 to 15 plain characters.": not _is_id(envelope.group_sender, 15),
        "The receiver's id (GS03) must have 2 to 15 plain characters.": not _is_id(envelope.group_receiver, 15),
        "The qualifiers (ISA05, ISA07) must have two characters.": any(not QUALIFIER.fullmatch(q) for q in qualifiers),
        "The line break must be empty, LF or CR LF.": envelope.line_break not in LINE_BREAKS,
    }
    _refuse(faults)


def _refuse(faults: dict[str, bool]) -> None:
    for says, is_so in faults.items():
        if is_so:
            raise NotWritable(says)


def _is_id(text: str, most: int) -> bool:
    return len(text) >= 2 and is_clean(text, most)


def isa(envelope: Interchange) -> str:
    """105 characters."""
    when, blank = envelope.when, " " * 10
    return ELEMENT.join(
        (
            "ISA", "00", blank, "00", blank, envelope.sender_qualifier, f"{envelope.sender:15}",
            envelope.receiver_qualifier, f"{envelope.receiver:15}", f"{when:%y%m%d}", f"{when:%H%M}", REPETITION,
            "00501", f"{envelope.control:09d}", "1" if envelope.acknowledge else "0", "T" if envelope.test else "P",
            COMPONENT,
        )
    )  # fmt: skip


def gs(envelope: Interchange, kind: str = "HC", guide: str = GUIDE) -> str:
    """`kind`: GS01, HC for claims and HP for payments. `guide`: GS08."""
    when = f"{envelope.when:%H%M}"
    ids = (envelope.group_sender, envelope.group_receiver)
    return segment("GS", kind, *ids, day(envelope.when), when, str(envelope.control), "X", guide)
