"""A file is read back before it leaves: what pyx12 and its like let pass is noticed, and pyx12 notices the rest."""

from dataclasses import replace

import pytest

from claims.edi import written
from claims.edi.claims import Kind
from claims.edi.write837 import Part, parts
from tests.edi import made, oracle
from tests.edi.plain import CHILD, PLAIN

# What is put in place of what in a good file; what is said of it.
UNNOTICED = [
    ("HL*3*1*22*1", "HL*3*1*22*0", "HL04"),
    ("HL*2*1*22*0", "HL*2*1*22*1", "HL04"),
    ("CLM*NW00000000001*137.5*", "CLM*NW00000000001*137*", "CLM02"),
    ("CLM*NW2*", "CLM*NW00000000001*", "CLM01"),
    ("SBR*P*18*", "SBR*P**", "SBR02"),
    ("SBR*P********CI", "SBR*P*18*******CI", "SBR02"),
    ("HI*ABK:E119", "HI*BK:E119", "HI"),
    ("ABF:I10", "BF:I10", "HI"),
    ("*CARE CLINIC*", "*Care Clinic*", "small letters"),
    ("*ZAPATA*EVA", "* ZAPATA*EVA", "blank"),
    ("ST*837*0001*005010X222A1", "ST*837*0001*005010X223A2", "ST03"),
    ("BHT*0019*00*T0000000010001", "BHT*0019*00*T0000000010002", "BHT03"),
]
NOTICED = [
    ("N3*1 OAK ST", "N3*1 OAK ST ", "blank"),
    ("HL*3*1*22*1", "HL*4*1*22*1", "HL01"),
    ("HL*4*3*23*0", "HL*4*9*23*0", "HL02"),
    ("ST*837*0001", "ST*837*0002", "ST02"),
    ("SE*", "SE*1", "SE01"),
    ("SV1*HC:99213*137.5*UN*1***1~", "SV1*HC:99213*137.5*UN*1***1*~", "empty element"),
    ("NM1*PR*2*AETNA*****PI*60054~\n", "", "one payer"),
]


def file() -> list[Part]:
    """A member's own claim and a child's."""
    return list(parts(made.envelope(Kind.MED), [PLAIN, replace(PLAIN, control="NW2", patient=CHILD)]))


def tampered(old: str, new: str) -> tuple[Part, bytes]:
    """The part with its ST, altered in one place, and the file with it."""
    head, part, tail = file()
    text = part.content.decode()
    assert old in text
    wrong = replace(part, content=text.replace(old, new, 1).encode())
    return wrong, head.content + wrong.content + tail.content


def test_a_file_as_it_is_written_has_no_fault() -> None:
    head, part, tail = file()
    assert written.faults(part) == []
    assert oracle.faults(head.content + part.content + tail.content) == []


@pytest.mark.parametrize(("old", "new", "field"), UNNOTICED)
def test_what_a_validator_of_the_guide_lets_pass_is_a_fault_of_ours(old: str, new: str, field: str) -> None:
    """Issue 5: pyx12 has nothing against it, so that the product has to notice."""
    wrong, whole = tampered(old, new)
    assert any(field in says for says in written.faults(wrong))
    assert oracle.faults(whole) == []


@pytest.mark.parametrize(("old", "new", "field"), NOTICED)
def test_what_both_notice_is_a_fault(old: str, new: str, field: str) -> None:
    """The oracle is awake: it does say no."""
    wrong, whole = tampered(old, new)
    assert any(field in says for says in written.faults(wrong))
    assert oracle.faults(whole) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("*137.5*UN*", "*137.5x*UN*"),
        ("*D8*20260220~", "*D8*20261320~"),
        ("DMG*D8*19800203*F", "DMG*D8*19800203*Q"),
        ("N4*FRESNO*CA*93721~\n", ""),
        ("PAT*19", "PAT*18"),
        ("*46*NW0001", "*PI*NW0001"),
    ],
)
def test_the_oracle_refuses_what_the_guide_does_not_allow(old: str, new: str) -> None:
    assert oracle.faults(tampered(old, new)[1]) != []


def test_the_oracle_looks_at_every_st() -> None:
    *_, last, tail = whole = list(
        parts(made.envelope(Kind.MED, claims_per_set=1), [PLAIN, replace(PLAIN, control="NW2")])
    )
    assert last.number == "0002"
    wrong = last.content.replace(b"*137.5*UN*", b"*137.5x*UN*")
    assert oracle.faults(b"".join(part.content for part in whole)) == []
    assert oracle.faults(b"".join([*(part.content for part in whole[:-2]), wrong, tail.content])) != []


def test_the_oracle_takes_an_exception_for_a_fault() -> None:
    assert oracle.faults(b"This is no X12.") != []
