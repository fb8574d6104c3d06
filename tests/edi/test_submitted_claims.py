"""837P: claims as they were submitted, for staging. edi.md 5 and "What is to be built" 7; S3-13."""

from datetime import date
from decimal import Decimal

from claims.edi.read_837p import SubmittedClaim
from tests.edi.written import CLAIMS, all_said, codes, set_of


def claims() -> list[SubmittedClaim]:
    said, findings = all_said(set_of("837", *CLAIMS))
    assert codes(findings) == []
    return [each for each in said if isinstance(each, SubmittedClaim)]


def test_a_claim_knows_who_stands_above_it() -> None:
    first, second = claims()
    assert (first.account, first.charge, first.place, first.frequency) == ("A1", Decimal(200), "11", "1")
    assert (first.parties.batch, first.parties.billing, first.parties.tax_id) == ("BATCH1", "1245319599", "123456789")
    assert (first.parties.member, first.parties.payer, first.parties.payer_rank) == ("M1", "87726", "P")
    assert (first.parties.born_on, first.parties.sex) == (date(1980, 1, 2), "F")
    assert (first.diagnoses, first.authorisation, first.rendering) == (["I10", "E119"], "AUTH1", "1245319599")
    assert (second.parties.member, second.parties.payer_rank) == ("M2", "S")


def test_a_patient_and_who_insures_him_are_named() -> None:
    """edi.md 6.4: an 835 names the patient (QC), and the insured (IL) where these are two."""
    first, second = (claim.parties for claim in claims())
    assert (first.patient, first.insured) == (("DOE", "JANE", "", ""), ("DOE", "JANE", "", ""))
    assert (second.patient, second.insured) == (("DOE", "JIM", "", ""), ("DOE", "MARY", "", ""))
    assert (first.patient_is_dependant, second.patient_is_dependant) == (False, True)
    assert (first.filing, second.filing) == ("CI", "CI")


def test_a_dependant_is_born_on_a_day_of_their_own_and_claims_on_the_subscribers_number() -> None:
    second = claims()[1]
    assert (second.parties.member, second.parties.born_on, second.parties.sex) == ("M2", date(2015, 3, 4), "M")
    assert (second.frequency, second.payer_claim) == ("7", "PAYER9")
    assert (second.diagnoses, second.authorisation) == ([], "")


def test_lines_keep_their_numbers_units_days_and_references() -> None:
    first, second = claims()[0].lines
    assert (first.number, first.procedure, first.modifiers, first.pointers) == ("1", "99213", ["25"], ["1", "2"])
    assert (first.charge, first.unit, first.units, first.reference) == (Decimal(150), "UN", Decimal(1), "L1")
    assert (first.first_day, first.last_day) == (date(2026, 1, 2), date(2026, 1, 2))
    assert (second.procedure, second.units, second.place) == ("T1019", Decimal("2.5"), "12")
    assert (second.first_day, second.last_day) == (date(2026, 1, 2), date(2026, 1, 3))


def test_what_another_payer_did_is_not_taken_for_the_claims_own() -> None:
    other = ("SBR*S*18", "CAS*CO*45*10", "NM1*IL*1*DOE*JANE****MI*M9", "NM1*PR*2*OTHER*****PI*11111", "REF*F8*OTHER")
    at = CLAIMS.index("LX*1")
    said, _ = all_said(set_of("837", *CLAIMS[:at], *other, *CLAIMS[at:]))
    assert isinstance(said[0], SubmittedClaim)
    assert said[0].payer_claim == ""
    assert (said[0].parties.payer, said[0].parties.member, said[0].parties.payer_rank) == ("87726", "M1", "P")
    assert len(said[0].lines) == 2


def test_the_claims_of_institutions_and_dentists_and_predeterminations_are_reported_and_not_read() -> None:
    for version in (b"005010X223A2", b"005010X224A2", b"005010X291", b"005010X298"):
        said, findings = all_said(set_of("837", *CLAIMS).replace(b"005010X222A1", version))
        assert (said, codes(findings)) == ([], ["other-set"])


def test_a_composite_with_another_separator_than_the_headers_is_reported() -> None:
    text = set_of("837", *CLAIMS).decode().replace("11:B:1", "11>B>1").replace("HC:99213:25", "HC>99213>25")
    said, findings = all_said(text.encode())
    assert codes(findings) == ["composite", "composite"]
    assert len(said) == 2


def test_a_person_is_not_in_repr() -> None:
    assert not any(text in repr(claims()) for text in ("M1", "M2", "1980", "2015", "DOE", "JIM"))
