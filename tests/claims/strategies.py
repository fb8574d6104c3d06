"""Random small days of claims: few members with many lines each, and every way in which a line can be wrong."""

from datetime import date, timedelta

from hypothesis import strategies as st

from tests.claims.folders import LONG_AGO, RUN_DATE, benefit, coverage, line, plan, provider, row, terms

MEMBERS = ("M1", "M2", "m3", "Ö4", "M10")
PROVIDERS = ("P1", "P2", "P3")
PROCEDURES = ("X1", "X2", "X3", "X4")
CATEGORIES = ("OFFICE", "THERAPY", "LAB")
PLANS = ("L1", "L2")
HALF, PART = "2023-07-01", "2023-06-30"
FIRST_DAY = date(2022, 6, 1)
Rows = list[dict[str, str]]


def dollars(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(lambda cents: f"{cents // 100}.{cents % 100:02}")


def percents(most: int) -> st.SearchStrategy[str]:
    exact = st.integers(0, most * 100).map(lambda hundredths: f"{hundredths / 100:.2f}")
    return st.sampled_from(["0", "20", "12.5", "33.33", "100"]) | exact


days = st.integers(0, (RUN_DATE - FIRST_DAY).days).map(lambda n: FIRST_DAY + timedelta(days=n))


@st.composite
def tables(draw: st.DrawFn, most_claims: int = 25) -> dict[str, Rows]:
    """Reference tables and claim lines of one night."""
    return {
        "providers": draw(providers()),
        "procedure_codes": draw(procedures()),
        "plans": [draw(plans(name)) for name in PLANS],
        "plan_benefits": draw(benefits()),
        "member_benefits": [found for member in MEMBERS for found in draw(coverages(member))],
        "fee_schedule": draw(fees()),
        "contract_terms": [draw(contracts(name)) for name in ("K1", "K2")],
        "accumulators": [found for member in MEMBERS for found in draw(openings(member))],
        "claim_lines": draw(claim_lines(most_claims)),
    }


def providers() -> st.SearchStrategy[Rows]:
    ends = st.sampled_from(["", "", "2023-12-31", "2022-12-31"])
    contracts_of = st.sampled_from(["K1", "K2"])
    return st.tuples(*(st.builds(_provider, st.just(npi), contracts_of, ends) for npi in PROVIDERS)).map(list)


def _provider(npi: str, contract: str, end: str) -> dict[str, str]:
    return provider(npi, contract_id=contract, active_to=end)


def procedures() -> st.SearchStrategy[Rows]:
    return st.tuples(*(st.builds(_procedure, st.just(code), ends_of_codes) for code in PROCEDURES)).map(list)


ends_of_codes = st.sampled_from(["", "", "", "2023-03-31"])


def _procedure(code: str, end: str) -> dict[str, str]:
    category = CATEGORIES[PROCEDURES.index(code) % len(CATEGORIES)]
    return row("procedure_codes", procedure_code=code, category=category, valid_from=LONG_AGO, valid_to=end)


@st.composite
def plans(draw: st.DrawFn, name: str) -> dict[str, str]:
    return plan(
        plan_id=name, deductible=draw(dollars(100_000)), out_of_pocket_max=draw(dollars(200_000)),
        coinsurance_percent=draw(percents(100)),
    )  # fmt: skip


@st.composite
def benefits(draw: st.DrawFn) -> Rows:
    """A category that is left out is not covered either."""
    flags = st.sampled_from(["false", "false", "true"])
    found = [
        benefit(
            plan_id=name, category=category, covered=draw(st.sampled_from(["true"] * 5 + ["false"])),
            copay=draw(dollars(5_000)), copay_only=draw(flags), visit_limit=draw(st.sampled_from(["", "0", "2", "5"])),
        )
        for name in PLANS
        for category in CATEGORIES
        if draw(st.integers(0, 9))
    ]  # fmt: skip
    return found or [benefit(plan_id=PLANS[0], category=CATEGORIES[0])]


@st.composite
def coverages(draw: st.DrawFn, member: str) -> Rows:
    """Never, always, until or from half a year, or under two plans, with or without days between."""
    plan_id, other = draw(st.sampled_from(PLANS)), draw(st.sampled_from(PLANS))
    spans = draw(
        st.sampled_from(
            [[(LONG_AGO, "")]] * 3 + [[], [(LONG_AGO, PART)], [(HALF, "")], [(LONG_AGO, PART), (HALF, "")]]
            + [[("2022-08-01", "2022-12-31"), (HALF, "2023-12-31")]]
        )
    )  # fmt: skip
    return [
        coverage(first, last, member_id=member, plan_id=name)
        for (first, last), name in zip(spans, (plan_id, other), strict=False)
    ]


@st.composite
def fees(draw: st.DrawFn) -> Rows:
    found = [
        row("fee_schedule", fee_schedule_id=schedule, procedure_code=code, fee=draw(st.just("0.00") | dollars(40_000)))
        for schedule in ("F1", "F2")
        for code in PROCEDURES
        if draw(st.integers(0, 3))
    ]
    return found or [row("fee_schedule", fee_schedule_id="F1", procedure_code="X1", fee="0.01")]


@st.composite
def contracts(draw: st.DrawFn, name: str) -> dict[str, str]:
    return terms(
        contract_id=name, fee_schedule_id="F" + name[-1], multiplier_percent=draw(percents(300)),
        percent_of_charge=draw(percents(120)),
    )  # fmt: skip


@st.composite
def openings(draw: st.DrawFn, member: str) -> Rows:
    """Of some years; the amounts may be above what any plan asks for."""
    found = []
    for year in draw(st.sets(st.sampled_from(["2022", "2023", "2024"]), max_size=2)):
        values = {
            "deductible_met": draw(dollars(150_000)), "out_of_pocket_met": draw(dollars(300_000)),
            f"visits:{draw(st.sampled_from(CATEGORIES))}": str(draw(st.integers(0, 6))),
        }  # fmt: skip
        found += [
            row("accumulators", member_id=member, benefit_year=year, field_name=name, value=value)
            for name, value in values.items()
        ]
    return found


WRONG = st.sampled_from(
    [
        {"member_id": ""}, {"member_id": "M99"}, {"member_id": "M2"}, {"provider_npi": "P9"}, {"provider_npi": ""},
        {"service_date": "2024-01-16"}, {"service_date": "2023-02-29"}, {"service_date": "20230101"},
        {"service_date": ""}, {"service_date": "0000-01-01"},
        {"service_date": "\u0662\u0660\u0662\u0663-\u0660\u0661-\u0660\u0661"},
        {"service_date": "1999-12-31"}, {"received_date": "2025-03-01"}, {"received_date": "soon"},
        {"received_date": "0000-01-01"}, {"received_date": "2020-01-01"}, {"billed": "0.00"}, {"billed": "-5.00"},
        {"billed": "twelve"}, {"billed": ""}, {"billed": "1.005"}, {"billed": "\u0661\u0662"},
        {"billed": "99999999999.99"},
        {"units": "0"}, {"units": "-1"},
        {"units": "two"}, {"units": ""}, {"units": "\u0663"}, {"units": "999999999"},
        {"procedure_code": "X9"}, {"procedure_code": ""},
    ]
)  # fmt: skip


@st.composite
def claim_lines(draw: st.DrawFn, most_claims: int) -> Rows:
    """Claims of one to four lines; now and then a line is wrong, of another member, or the last one once more."""
    found: Rows = []
    for number in draw(st.lists(st.integers(1, 200), min_size=1, max_size=most_claims, unique=True)):
        member = draw(st.sampled_from(("M1", "M1", "M1", *MEMBERS)))
        for position in draw(st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)):
            found.append(draw(claim_line(f"C{number}", position, member, found[-1:])))
    return found


@st.composite
def claim_line(draw: st.DrawFn, claim: str, number: int, member: str, before: Rows) -> dict[str, str]:
    chance = draw(st.integers(0, 29))
    if chance == 0 and before:
        return {**before[0], "claim_id": claim, "line_number": str(number)}
    served = draw(days)
    made = line(
        claim, number, member_id=member, provider_npi=draw(st.sampled_from(PROVIDERS)),
        service_date=served.isoformat(), procedure_code=draw(st.sampled_from(PROCEDURES)),
        received_date=(served + timedelta(days=draw(st.sampled_from([0, 3, 40, 364, 365, -2])))).isoformat(),
        units=str(draw(st.sampled_from([1, 1, 1, 2, 3, 100]))), billed=draw(dollars(120_000).map(_not_nothing)),
    )  # fmt: skip
    return {**made, **draw(WRONG)} if chance == 1 else made


def _not_nothing(amount: str) -> str:
    return "0.01" if amount == "0.00" else amount
