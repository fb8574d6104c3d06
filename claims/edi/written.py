"""What must hold of a part of a file before it leaves, read back from its bytes: a fault here is one of ours.

Structure, formats and codes are the guide's; these are what validators of the guide let pass.
"""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from claims.edi.outbound import GUIDE
from claims.edi.segments import COMPONENT, ELEMENT, TERMINATOR
from claims.edi.write837 import Part

Segment = list[str]
SMALL = re.compile(r"[a-z]")


def faults(part: Part) -> list[str]:
    """One sentence for each way in which the ST of a part is wrong; empty if it may be sent."""
    texts = [text.strip("\r\n") for text in part.content.decode("ascii").split(TERMINATOR)][:-1]
    segments = [text.split(ELEMENT) for text in texts]
    checks = (_set(segments, part), _levels(segments), _claims(segments), _texts(texts))
    return list(dict.fromkeys(says for check in checks for says in check))


def _set(segments: list[Segment], part: Part) -> Iterator[str]:
    """ST03 is GS08, SE01 counts ST to SE, and the numbers are those that the part says."""
    if segments[0] != ["ST", "837", part.number, GUIDE]:
        yield "ST03 is not GS08, or ST02 not the part's number."
    if segments[-1] != ["SE", str(len(segments)), part.number]:
        yield "SE does not have the count of segments (SE01) and the number of ST (SE02)."
    if [segment[3] for segment in segments if segment[0] == "BHT"] != [part.reference]:
        yield "BHT03 is not the part's reference."


def _levels(segments: list[Segment]) -> Iterator[str]:
    """HL01 counts, HL02 is an HL before, HL04 is 1 where a child follows; SBR02 is 18 for who has none."""
    levels = [segment for segment in segments if segment[0] == "HL"]
    if [level[1] for level in levels] != [str(number) for number in range(1, len(levels) + 1)]:
        yield "HL01 does not count 1, 2, 3."
    parents = {level[2] for level in levels}
    seen: set[str] = set()
    for level in levels:
        if (level[4] == "1") != (level[1] in parents):
            yield "HL04 is not 1 exactly where a child follows."
        if level[2] not in seen and (level[3] != "20" or level[2]):
            yield "HL02 is not the number of an HL before."
        seen.add(level[1])
    yield from _members(segments)


def _members(segments: list[Segment]) -> Iterator[str]:
    """In each 2000B one payer, and SBR02 18 exactly where the member is the patient."""
    own, payers, in_claim = False, 1, False
    for segment in segments:
        if segment[0] in {"HL", "CLM"}:
            in_claim = segment[0] == "CLM"
        if segment[0] == "HL" and segment[3] == "22":
            own, payers = segment[4] == "0", 0
        elif segment[0] == "SBR" and not in_claim and (segment[2] == "18") != own:
            yield "SBR02 is not 18 exactly where the member is the patient."
        elif segment[:2] == ["NM1", "PR"] and not in_claim:
            payers += 1
        elif segment[0] == "CLM" and payers != 1:
            yield "A claim has not one payer (2010BB)."


def _claims(segments: list[Segment]) -> Iterator[str]:
    """CLM02 is the sum of SV102, control numbers are single, and diagnoses have ICD-10's qualifiers."""
    controls: Counter[str] = Counter()
    owed = Decimal(0)
    for segment in segments:
        if segment[0] in {"CLM", "SE"} and owed:
            yield "CLM02 is not the sum of SV102."
        if segment[0] == "CLM":
            controls[segment[1]] += 1
            owed = Decimal(segment[2])
        elif segment[0] == "SV1":
            owed -= Decimal(segment[2])
        elif segment[0] == "HI":
            qualifiers = [code.split(COMPONENT)[0] for code in segment[1:]]
            if qualifiers != ["ABK", *["ABF"] * (len(qualifiers) - 1)]:
                yield "HI has other qualifiers than ABK first and ABF after."
    if any(times > 1 for times in controls.values()):
        yield "CLM01 is used twice."


def _texts(texts: list[str]) -> Iterator[str]:
    """No small letter, no blank around an element, no empty element at a segment's end."""
    whole = TERMINATOR.join((*texts, ""))
    if SMALL.search(whole):
        yield "An element has small letters."
    if any(blank in whole for blank in ("* ", " *", " ~")):
        yield "An element begins or ends with a blank."
    if any(empty in whole for empty in ("*~", ":~", ":*")):
        yield "A segment or composite ends with an empty element."
