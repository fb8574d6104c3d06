"""The bytes of an 837P, judged by pyx12 and by what the guide says in words."""

import hashlib
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claims.edi import written
from claims.edi.claims import Address, Claim, Kind, Name
from claims.edi.outbound import Envelope, file_name
from claims.edi.rules import problems
from claims.edi.segments import NotWritable
from claims.edi.write837 import parts
from tests.edi import made, oracle
from tests.edi.plain import CHILD, LINE, PLAIN, PROVIDER, billing, child, claim, line, lines, payer, subscriber
from tests.edi.rule_cases import CASES

MED = made.envelope(Kind.MED)


def content(claims: list[Claim], envelope: Envelope = MED) -> bytes:
    return b"".join(part.content for part in parts(envelope, claims))


def segments(*claims: Claim, envelope: Envelope = MED) -> list[str]:
    return content(list(claims), envelope).decode().replace("\n", "").split("~")[:-1]


def starting(prefix: str, *claims: Claim) -> list[str]:
    return [text for text in segments(*claims) if text.startswith(prefix)]


def assert_valid(envelope: Envelope, claims: list[Claim]) -> None:
    whole = list(parts(envelope, claims))
    assert oracle.faults(b"".join(part.content for part in whole)) == []
    assert [written.faults(part) for part in whole if part.number] == [[]] * (len(whole) - 2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", Kind)
def test_generated_claims_have_no_error(kind: Kind) -> None:
    """S3-13, issue 5: of either kind, some of one member and its dependants."""

    @settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(batch=made.batches(kind))
    def valid(batch: list[Claim]) -> None:
        assert_valid(made.envelope(kind), batch)

    valid()
    assert_valid(made.envelope(kind, 2), made.claims(kind, 100))


def test_whatever_the_rules_let_pass_has_no_error() -> None:
    """S3-13: what the rules accept, the guide accepts."""
    accepted = [change(PLAIN) for good, _ in CASES.values() for change in good]
    for kind in Kind:
        assert oracle.faults(content([one for one in accepted if one.kind == kind], made.envelope(kind))) == []


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(texts=st.lists(st.text(max_size=90), min_size=9, max_size=9))
def test_no_text_breaks_a_file(texts: list[str]) -> None:
    """5.3: whatever stands in names, addresses and notes is made fit to be sent."""
    last, first, middle, suffix, street, more, note, description, payer_name = texts
    address = replace(CHILD.address, street=f"1 {street}", street_2=more)
    patient = replace(
        CHILD, name=Name(last=f"A{last}", first=f"B{first}", middle=middle, suffix=suffix), address=address
    )
    plain = payer(name=f"C{payer_name}")(line(description=description, note=note)(PLAIN))
    noted = replace(plain, note=note, patient=patient)
    assert problems(noted, made.STANDING) == []
    assert_valid(MED, [noted])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", Kind)
def test_ten_thousand_claims_have_no_error(kind: Kind, seed: int) -> None:
    """S3-13, issue 5: 5,000 claims of each kind, in files of a thousand and three STs each."""
    assert_valid(made.envelope(kind, seed + 1, claims_per_set=400), made.claims(kind, 1_000, seed=100 + seed))


@pytest.mark.parametrize("kind", Kind)
def test_the_same_claims_and_envelope_make_the_same_bytes(kind: Kind) -> None:
    """X-18: what is sent again is what was sent."""
    sums = {hashlib.sha256(content(made.claims(kind, 50), made.envelope(kind))).hexdigest() for _ in range(2)}
    assert len(sums) == 1
    assert content(made.claims(kind, 50), made.envelope(kind, 2)) != content(made.claims(kind, 50), made.envelope(kind))


def test_the_envelope_is_read_by_position() -> None:
    isa, gs, st, bht, *_, se, ge, iea = segments(PLAIN)
    assert len(isa) == 105
    assert isa == (
        "ISA*00*          *00*          *ZZ*NIGHTWARD      *ZZ*330897513      *260302*1405*^*00501*000000001*0*T*:"
    )
    assert gs == "GS*HC*NIGHTWARD*OA*20260302*1405*1*X*005010X222A1"
    assert (st, bht) == ("ST*837*0001*005010X222A1", "BHT*0019*00*T0000000010001*20260302*1405*CH")
    assert (se, ge, iea) == (f"SE*{len(segments(PLAIN)) - 4}*0001", "GE*1*1", "IEA*1*000000001")


def test_a_production_file_that_asks_for_a_ta1_says_so() -> None:
    isa = segments(PLAIN, envelope=replace(MED, test=False, acknowledge=True))[0]
    assert isa.endswith("*1*P*:")


def test_an_st_holds_as_many_claims_as_the_guide_advises() -> None:
    """10,001 claims are three STs: numbered within the file, each with a reference of its own."""
    simple = [replace(PLAIN, control=f"C{number}") for number in range(10_001)]
    _, *sets, end = parts(made.envelope(Kind.MED, 77), simple)
    assert [len(part.controls) for part in sets] == [5_000, 5_000, 1]
    assert [part.number for part in sets] == ["0001", "0002", "0003"]
    assert [part.reference for part in sets] == ["T0000000770001", "T0000000770002", "T0000000770003"]
    assert all(len(part.reference) <= 30 for part in sets)
    assert [control for part in sets for control in part.controls] == [one.control for one in simple]
    assert end.content == b"GE*3*77~\nIEA*1*000000077~\n"


def test_no_more_than_one_st_is_read_ahead() -> None:
    """Memory does not grow with the number of claims."""
    read = 0

    def counted() -> Iterator[Claim]:
        nonlocal read
        for number in range(1_000):
            read += 1
            yield replace(PLAIN, control=f"C{number}")

    seen = [read for _ in parts(made.envelope(Kind.MED, claims_per_set=100), counted())]
    assert seen == [0, *range(100, 1_001, 100), 1_000]


def peak_of_writing(number: int) -> int:
    """Bytes that Python held at most while it wrote so many claims, a hundred to an ST."""
    several = (replace(PLAIN, control=f"C{at}") for at in range(number))
    tracemalloc.start()
    try:
        assert sum(len(part.controls) for part in parts(made.envelope(Kind.MED, claims_per_set=100), several)) == number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_ten_times_the_claims_take_no_more_memory() -> None:
    peak_of_writing(1)
    assert peak_of_writing(3_000) < 2 * peak_of_writing(300)  # by a little, as the collector comes and goes


def test_a_part_says_which_claims_are_in_it_in_the_order_in_which_they_are_written() -> None:
    """What a 999 or a 277CA rejects as a whole is pushed down to these."""
    batch = made.claims(Kind.MED, 30)
    (part,) = [part for part in parts(MED, batch) if part.number]
    assert list(part.controls) == re.findall(r"^CLM\*(\w+)", part.content.decode(), re.MULTILINE)
    assert set(part.controls) == {one.control for one in batch}


@pytest.mark.parametrize("line_break", ["", "\n", "\r\n"])
def test_what_follows_a_segment_is_configurable(line_break: str) -> None:
    text = content([PLAIN], made.envelope(Kind.MED, line_break=line_break)).decode()
    assert text.count(f"~{line_break}") == text.count("~")
    assert text.replace(line_break, "").count("\n") == 0
    assert oracle.faults(text.encode()) == []


def test_a_members_own_claims_and_those_of_dependants_stand_in_two_loops() -> None:
    """5.3: own claims under SBR02 18 and no child, dependants' under an empty SBR02 and a child each."""
    own = [PLAIN, replace(PLAIN, control="NW2")]
    sister = replace(CHILD, name=replace(CHILD.name, first="Amy"))
    dependants = [replace(PLAIN, control="NW3", patient=CHILD), replace(PLAIN, control="NW4", patient=sister)]
    mixed = [dependants[0], own[0], dependants[1], own[1]]
    assert starting("HL", *mixed) == ["HL*1**20*1", "HL*2*1*22*0", "HL*3*1*22*1", "HL*4*3*23*0", "HL*5*3*23*0"]
    assert starting("SBR", *mixed) == ["SBR*P*18*******CI", "SBR*P********CI"]
    assert [text.split("*")[1] for text in starting("CLM", *mixed)] == ["NW00000000001", "NW2", "NW3", "NW4"]
    assert oracle.faults(content(mixed)) == []


def test_levels_count_through_all_providers_of_an_st() -> None:
    other = billing(npi="1245319599")(replace(PLAIN, control="NW2"))
    assert starting("HL", PLAIN, other) == ["HL*1**20*1", "HL*2*1*22*0", "HL*3**20*1", "HL*4*3*22*0"]


def test_who_bills_without_an_npi_is_known_by_the_payers_number() -> None:
    """5.4: no NM108 and NM109, the tax id, and REF G2 beside the payer."""
    atypical = payer(provider_number="ATYP1")(billing(npi="", taxonomy="343900000X")(PLAIN))
    assert starting("NM1*85", atypical) == ["NM1*85*2*CARE CLINIC"]
    assert starting("REF*G2", atypical) == ["REF*G2*ATYP1"]
    assert oracle.faults(content([atypical])) == []


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("240.00", "240"),
        ("137.50", "137.5"),
        ("0", "0"),
        ("0.00", "0"),
        ("0.75", ".75"),
        ("1E+3", "1000"),
        ("100", "100"),
    ],
)
def test_amounts_have_no_zeros_to_spare(amount: str, text: str) -> None:
    assert starting("SV1", line(charge=Decimal(amount))(PLAIN)) == [f"SV1*HC:99213*{text}*UN*1***1"]


def test_a_line_says_its_place_and_its_last_day_only_where_they_differ() -> None:
    same = lines({"place": "11", "ends": LINE.begins}, {"place": "12", "ends": date(2026, 2, 22), "pointers": (2, 1)})(
        PLAIN
    )
    assert starting("SV1", same) == ["SV1*HC:99213*137.5*UN*1***1", "SV1*HC:99213*137.5*UN*1*12**2:1"]
    assert starting("DTP*472", same) == ["DTP*472*D8*20260220", "DTP*472*RD8*20260220-20260222"]
    assert starting("REF*6R", same) == ["REF*6R*K1", "REF*6R*K2"]


def test_who_renders_is_left_out_where_the_same_provider_bills() -> None:
    rendered = replace(PLAIN, rendering=PROVIDER)
    assert starting("NM1*82", rendered) == ["NM1*82*1*VALE*IDA****XX*1245319599"]
    assert starting("NM1*82", billing(npi=PROVIDER.npi)(rendered)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (subscriber(member_id="w1"), "member id"),
        (subscriber(group_number="G*1"), "SBR03"),
        (claim(control="NW:1"), "CLM01"),
        (claim(authorisation=" PA1"), "REF G1"),
        (line(control="K~1"), "REF 6R"),
        (payer(payer_id="6\n0054"), "payer's id"),
        (subscriber(address=None), "address"),
        (child(birth_date=None), "birth date"),
        (billing(address=Address(street="2 Elm", city="Fresno", state="C*", zip_code="937210001")), "state"),
    ],
)
def test_an_identifier_is_never_altered_but_refused_by_name(changes: Any, field: str) -> None:
    """5.3; the message names the field and shows nothing of what is in it."""
    with pytest.raises(NotWritable, match=re.escape(field)) as refused:
        content([changes(PLAIN)])
    assert "w1" not in str(refused.value)


def test_medical_and_non_medical_claims_do_not_share_a_file() -> None:
    """S3-13: separate files."""
    with pytest.raises(NotWritable, match="files of their own"):
        content([PLAIN, replace(PLAIN, kind=Kind.NONMED)])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"control": 0}, "ISA13"), ({"control": 1_000_000_000}, "ISA13"), ({"sender": "SIXTEEN LETTERS!"}, "ISA06"),
        ({"receiver": ""}, "ISA08"), ({"receiver": "A*B"}, "ISA08"), ({"group_sender": "A"}, "GS02"),
        ({"group_receiver": ""}, "GS03"), ({"receiver_qualifier": "Z"}, "ISA07"), ({"line_break": "~"}, "line break"),
        ({"claims_per_set": 5_001}, "5000"), ({"contact": "#"}, "contact"), ({"submitter_id": "nw"}, "NM109"),
        ({"phone": "1-559-555"}, "PER04"),
    ],
)  # fmt: skip
def test_an_envelope_that_would_not_fit_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(NotWritable, match=field):
        content([PLAIN], replace(MED, **changes))


def test_a_file_without_a_claim_is_not_written() -> None:
    with pytest.raises(NotWritable, match="no claim"):
        content([])


@pytest.mark.parametrize(
    ("kind", "test", "name"),
    [
        (Kind.MED, True, "OATEST_837P_MED_20260302140509_000000042.txt"),
        (Kind.NONMED, False, "837P_NONMED_20260302140509_000000042.txt"),
    ],
)
def test_a_files_name_has_kind_time_and_number_and_nothing_of_a_patient(kind: Kind, test: bool, name: str) -> None:
    """S3-13: timestamped names; OATEST keeps a test from being forwarded."""
    found = file_name(replace(made.envelope(kind, 42), test=test))
    assert found == name
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", found)
