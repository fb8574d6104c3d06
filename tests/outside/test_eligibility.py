"""Coverage by the sandbox pVerify, over a real socket (contract S3-03, S3-05, S3-22, X-17)."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.adapters.eligibility import (
    Eligibility,
    EligibilityRefused,
    Inquiry,
    NoFunds,
    NotAsked,
    Pending,
    Processed,
    Rejected,
    Unknown,
)
from backoffice.adapters.eligibility_reading import checked_of
from backoffice.sandbox.peer import HttpPeer
from backoffice.sandbox.pverify import PVerify
from tests.outside.conftest import order

SECRET = "a-secret-of-this-test"
INQUIRY = Inquiry(
    payer_code="00001",
    payer_name="Aetna",
    provider_last_name="WELBY",
    provider_npi="1234567893",
    date_of_service=date(2026, 11, 30),
    first_name="Maria",
    last_name="Rubanova",
    birth_date=date(1980, 2, 9),
    member_id="W123456789",
    reference="17",
    practice_type="18",
)
Peer = HttpPeer[PVerify]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with HttpPeer(PVerify(secret=SECRET)) as served:
        yield served


@pytest.fixture
def pverify(peer: Peer) -> Iterator[Eligibility]:
    with closing(Eligibility("sandbox", SECRET, base_url=peer.url, timeout=2)) as client:
        yield client


def of_member(member_id: str) -> Inquiry:
    return replace(INQUIRY, member_id=member_id)


def pending(pverify: Eligibility) -> int:
    checked = pverify.check(of_member("PENDING-1"))
    assert isinstance(checked, Pending), checked
    return checked.request_id


def test_a_report_says_what_the_plan_is_and_what_it_pays(peer: Peer, pverify: Eligibility) -> None:
    checked = pverify.check(INQUIRY)
    assert isinstance(checked, Processed)
    report = checked.report
    assert (report.coverage, report.effective, report.expires) == ("active", date(2026, 1, 1), date(2026, 12, 31))
    assert (report.plan_name, report.group_number, report.payer_name) == (
        "Open Choice PPO", "0698685-010-00001", "Aetna",
    )  # fmt: skip
    [copay, share] = report.benefits
    assert (copay.label, copay.key, copay.value, copay.messages) == (
        "In Plan-Network", "Co-Payment", "$30.00", ("PER VISIT",),
    )  # fmt: skip
    assert (share.key, share.value) == ("Co-Insurance", "20%")
    assert report.demographics["Subscriber"]["FullName"] == "Rubanova, Maria"
    assert report.document["RequestID"] == report.request_id
    assert order(peer)["billed"] == 1


def test_what_is_sent_has_the_fields_of_the_public_collection(peer: Peer, pverify: Eligibility) -> None:
    pverify.check(INQUIRY)
    assert order(peer, list=["inquiries"])["inquiries"] == [
        {
            "payerCode": "00001", "payerName": "Aetna", "Provider_LastName": "WELBY", "Provider_NPI": "1234567893",
            "Patient_First": "Maria", "Patient_Last": "Rubanova", "Patient_DOB": "02/09/1980",
            "memberID": "W123456789", "Date_Of_Service": "11/30/2026", "referenceId": "17", "Location": "",
            "PracticeTypeCode": "18", "IncludeTextResponse": False,
        }
    ]  # fmt: skip


def test_an_inactive_member_is_processed(pverify: Eligibility) -> None:
    checked = pverify.check(of_member("INACTIVE-1"))
    assert isinstance(checked, Processed)
    assert (checked.report.coverage, checked.report.expires) == ("inactive", date(2025, 12, 31))
    assert checked.report.benefits == ()


def test_a_status_that_nobody_knows_is_neither(peer: Peer, pverify: Eligibility) -> None:
    order(peer, plans={"W123456789": {"Status": "Active - Pending Investigation", "ExpiryDate": "2026"}})
    checked = pverify.check(INQUIRY)
    assert isinstance(checked, Processed)
    assert (checked.report.coverage, checked.report.expires) == ("unknown", None)


def test_a_rejection_is_kept_word_for_word(peer: Peer, pverify: Eligibility) -> None:
    checked = pverify.check(of_member("REJECTED-1"))
    assert isinstance(checked, Rejected)
    assert (checked.code, checked.message) == (1, "Transaction rejected by the payer.")
    assert checked.payer_message == "Subscriber/Insured Not Found"
    assert checked.follow_up == "Please Correct and Resubmit"
    assert checked.resolution == "Check the member's ID, name and date of birth."
    assert order(peer)["billed"] == 1


def test_an_inquiry_without_what_is_required_is_rejected_and_not_billed(peer: Peer, pverify: Eligibility) -> None:
    checked = pverify.check(replace(INQUIRY, provider_npi=""))
    assert isinstance(checked, Rejected)
    assert checked.message == "Provider_NPI is required"
    assert order(peer)["billed"] == 0


def test_funds_come_to_an_end_and_what_is_not_paid_is_not_billed(peer: Peer, pverify: Eligibility) -> None:
    order(peer, funds=1)
    answers = [pverify.check(INQUIRY) for _ in range(2)]
    assert [type(one) for one in answers] == [Processed, NoFunds]
    assert answers[1] == NoFunds(message="Insufficient funds.")
    assert order(peer)["billed"] == 1


def test_a_pending_inquiry_is_polled_until_it_is_done_and_billed_once(peer: Peer, pverify: Eligibility) -> None:
    number = pending(pverify)
    polled = [pverify.poll(number) for _ in range(3)]
    assert polled[:2] == [Pending(request_id=number)] * 2
    assert isinstance(polled[2], Processed)
    assert polled[2].report.request_id == number
    state = order(peer)
    assert (state["billed"], state["calls"]) == (1, {"inquiry": 1, "token": 1, "poll": 3})


def test_a_token_that_is_no_longer_good_is_renewed(peer: Peer, pverify: Eligibility) -> None:
    number = pending(pverify)
    for _ in range(2):
        order(peer, revoke=True)
        assert pverify.poll(number) == Pending(request_id=number)
    assert order(peer)["calls"]["token"] == 2


def test_a_poll_may_fail_and_be_asked_again(peer: Peer, pverify: Eligibility) -> None:
    number = pending(pverify)
    order(peer, next={"token500": 1})
    assert pverify.poll(number) == NotAsked(code="token_http_500", permanent=False)
    order(peer, next={"drop": 1})
    assert pverify.poll(number) == Unknown(code="unanswered")
    assert pverify.poll(number) == Pending(request_id=number)
    assert isinstance(pverify.poll(number + 1), Rejected)
    assert order(peer)["billed"] == 1


@pytest.mark.parametrize(
    ("fault", "code", "billed"),
    [
        ("drop", "unanswered", 0),
        ("drop_after", "unanswered", 1),
        ("slow_after", "unanswered", 1),
        ("http500", "http_500", 0),
        ("http503", "http_503", 0),
        ("garbage", "unreadable_answer", 0),
    ],
)
def test_an_inquiry_without_an_answer_is_unknown_and_was_sent_once(
    peer: Peer, fault: str, code: str, billed: int
) -> None:
    order(peer, next={fault: 1}, slow_seconds=1)
    with closing(Eligibility("sandbox", SECRET, base_url=peer.url, timeout=0.3)) as pverify:
        assert pverify.check(INQUIRY) == Unknown(code=code)
    state = order(peer)
    assert (state["billed"], state["requests"]) == (billed, 1)


def test_what_was_certainly_not_taken_may_be_asked_again(peer: Peer) -> None:
    with closing(Eligibility("sandbox", SECRET, base_url=peer.url, timeout=2)) as pverify:
        order(peer, next={"http429": 1})
        assert pverify.check(INQUIRY) == NotAsked(code="http_429", permanent=False, retry_after=1.0)
        peer.stop()
        assert pverify.check(INQUIRY) == NotAsked(code="connection", permanent=False)


def test_a_wrong_secret_is_refused_by_both_doors(peer: Peer) -> None:
    with closing(Eligibility("sandbox", "another", base_url=peer.url, timeout=2)) as pverify:
        assert pverify.check(INQUIRY) == NotAsked(code="http_401", permanent=True)
        assert pverify.poll(1) == NotAsked(code="token_http_400", permanent=True)


@pytest.mark.parametrize(
    ("secret", "url", "message"),
    [
        (SECRET, "http://api.pverify.com", "not an https URL"),
        ("", "https://api.pverify.com", "missing"),
        ("a\nb", "https://api.pverify.com", "no header can hold"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_a_line(secret: str, url: str, message: str) -> None:
    with pytest.raises(EligibilityRefused, match=message):
        Eligibility("sandbox", secret, base_url=url)


def test_nothing_that_is_known_of_the_person_is_in_a_repr(pverify: Eligibility) -> None:
    shown = repr([INQUIRY, pverify.check(INQUIRY), pverify.check(of_member("REJECTED-1"))])
    assert not [word for word in ("Maria", "Rubanova", "1980", "W123", "Subscriber") if word in shown]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"APIResponseCode": 4, "RequestID": "12"}, Pending(request_id=12)),
        ({"APIResponseCode": 3}, Unknown(code="unreadable_answer")),
        ({"APIResponseCode": True}, Unknown(code="unreadable_answer")),
        ({"APIResponseCode": "6", "APIResponseMessage": "x"}, Rejected(code=6, request_id=0, message="x")),
        ([], Unknown(code="unreadable_answer")),
    ],
)
def test_codes_are_numbers_or_digits(answer: Any, expected: object) -> None:
    assert checked_of(json.dumps(answer).encode()) == expected


JSON = st.recursive(
    st.sampled_from([None, True, 7, -1, 1.5, "", "Active", "02/30/2026"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["ServiceTypeSections", "ServiceParameters", "Message", "Key", "Status", "EffectiveDate", "Label"]
    ), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(st.fixed_dictionaries(
    {"APIResponseCode": st.just("0")},
    optional=dict.fromkeys(("RequestID", "PlanCoverageSummary", "ServiceDetails", "ServiceTypeSections"), JSON),
))  # fmt: skip
@settings(max_examples=50)
def test_no_processed_answer_is_too_odd_to_be_read(answer: dict[str, Any]) -> None:
    checked = checked_of(json.dumps(answer).encode())
    assert isinstance(checked, Processed)
    assert checked.report.document == json.loads(json.dumps(answer))


def test_sections_are_found_by_each_of_their_names() -> None:
    section = {"Label": "In", "ServiceParameters": [{"Key": "Co-Payment", "Value": "$1", "Message": None}]}
    for answer in (
        {"ServiceTypeSections": [section]},
        {"ServiceTypeDetailInfo": [{"ServiceTypeName": "", "ServiceTypeSections": [section]}]},
    ):
        checked = checked_of(json.dumps({"APIResponseCode": 0, **answer}).encode())
        assert isinstance(checked, Processed)
        assert [(one.label, one.value, one.messages) for one in checked.report.benefits] == [("In", "$1", ())]


def test_orders_come_by_control_to_who_has_the_token(peer: Peer) -> None:
    with httpx2.Client(trust_env=False) as http:
        assert http.post(peer.control_url, json={}).status_code == 401
        headers = {"Authorization": f"Bearer {peer.token}"}
        orders = {"faults": {"pending": "25%"}, "pending_polls": 1, "latency_ms": 1, "slow_seconds": 2}
        state = http.post(peer.control_url, json=orders, headers=headers).json()
        assert (state["faults"], state["latency_ms"], state["slow_seconds"]) == ({"pending": 0.25}, 1, 2)
        wrong: Any
        for wrong in ({"explode": 1}, {"next": {"http418": 1}}, [], {"funds": "many"}):
            assert http.post(peer.control_url, json=wrong, headers=headers).status_code == 400
        assert http.get(f"{peer.url}/API/GetAllPayers").status_code == 404
        assert http.post(f"{peer.url}/API/EasyEligibilitySummary", content=b"x").status_code == 401
