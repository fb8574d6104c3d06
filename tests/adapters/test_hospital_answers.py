"""What the hospital answers becomes values, on the sandbox hospital and on one that is told what to say."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from backoffice.adapters.hospital import (
    Activity,
    Appointment,
    BilledService,
    Block,
    Hospital,
    HospitalUnavailable,
    Session,
    WriteError,
)
from backoffice.sandbox.hospital import Hospital as Sandbox
from backoffice.sandbox.hospital.generate import generate
from tests.adapters.conftest import (
    BLOCK,
    SESSION,
    TOKEN,
    Connect,
    answer,
    appointment,
    create,
    listing,
    page_of,
)


def test_a_whole_hospital_is_read_page_by_page_and_billed(connect: Connect, tmp_path: Path) -> None:
    generate(tmp_path, appointments=300, end=date(2026, 11, 1))
    with Sandbox(tmp_path, token=TOKEN) as sandbox:
        hospital = connect(sandbox.url)
        begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
        page = hospital.appointments(begins, ends, 70, None)
        found = [*page.appointments]
        while page.has_next:
            page = hospital.appointments(begins, ends, 70, page.end_cursor)
            found += page.appointments
        assert len({one.id for one in found}) == 300
        assert found == sorted(found, key=lambda one: (one.start, one.id))
        assert set(hospital.sessions([one.id for one in found[:200]])) == {one.id for one in found[:200]}
        whole = next(one for one in found if one.type_code and one.department_id and one.case_id)
        assert whole.type_code
        assert whole.department_id
        assert whole.case_id
        configuration = hospital.configuration(whole.type_code)
        assert configuration is not None
        code = configuration.rules[0].block_code
        hospital.cost_center(whole.department_id), hospital.physician(whole.department_id)
        hospital.case(whole.case_id), hospital.block(code)
        assert hospital.session_by_key("k") is None
        written = hospital.create_session(
            key="k", appointment_id=whole.id, case_id=whole.case_id, cost_center_id="1", physician_id="1", services=[]
        )
        assert isinstance(written, tuple | Session)
        calls = hospital.take_calls()
    kinds = {"configuration", "cost_center", "physician", "case", "block", "session_by_key", "create_session"}
    assert calls == Counter({"appointments": 5, "sessions": 1, **dict.fromkeys(kinds, 1)})
    assert hospital.take_calls() == Counter()


def test_an_appointment_is_read_in_utc_with_all_that_may_be_null(hospital: Hospital, peer: HTTPServer) -> None:
    nullable = dict.fromkeys(["end", "typeCode", "patientId", "departmentId", "practitionerId", "caseId"])
    answer(peer, "appointments", page_of(appointment(start="2026-11-02T02:00:00-06:00", **nullable)))
    assert listing(hospital).appointments == (
        Appointment(
            id="A-1",
            start=datetime(2026, 11, 2, 8, tzinfo=UTC),
            end=None,
            status="FINISHED",
            type_code=None,
            patient_id=None,
            department_id=None,
            practitioner_id=None,
            case_id=None,
            activities=(Activity("X", 2),),
        ),
    )


def test_an_optional_field_that_is_wrong_is_read_as_null(hospital: Hospital, peer: HTTPServer) -> None:
    wrong = {"end": "soon", "typeCode": 5, "patientId": "", "departmentId": ["D"], "caseId": "C" * 500}
    answer(peer, "appointments", page_of(appointment(**wrong)))
    (one,) = listing(hospital).appointments
    assert (one.end, one.type_code, one.patient_id, one.department_id, one.case_id) == (None,) * 5
    assert one.practitioner_id == "N-1"


@pytest.mark.parametrize(
    "broken",
    [
        page_of(appointment(id=None)),
        page_of(appointment(), appointment()),
        page_of(appointment(id="A\u0000")),
        page_of(appointment(id="\ud800")),
        page_of(appointment(start=None)),
        page_of(appointment(start="2026-11-02T08:00:00")),
        page_of(appointment(start="0001-01-01T00:00:00+14:00")),
        page_of(appointment(start="2026-11-08T00:00:00Z")),
        page_of(appointment(status="DONE")),
        page_of(appointment(status=None)),
        page_of(appointment(activities=None)),
        page_of(appointment(activities=[{"code": "X", "quantity": True}])),
        page_of(appointment(activities=[{"code": "X", "quantity": 2**31}])),
        page_of(None),
        page_of(hasNextPage=None),
        page_of(appointment(), hasNextPage=True),
        page_of(appointment(), hasNextPage=True, endCursor="before"),
        page_of(hasNextPage=True, endCursor="next"),
        page_of(*[appointment(id=str(number)) for number in range(201)]),
        {"nodes": {}, "hasNextPage": False},
        [],
        None,
        "appointments",
    ],
)
def test_a_listing_that_cannot_be_accounted_for_is_unreadable(
    hospital: Hospital, peer: HTTPServer, broken: object
) -> None:
    answer(peer, "appointments", broken)
    with pytest.raises(HospitalUnavailable) as raised:
        listing(hospital, "before")
    assert raised.value.code == "unreadable_answer"


def test_a_cursor_is_asked_with_and_handed_on(hospital: Hospital, peer: HTTPServer) -> None:
    answer(peer, "appointments", page_of(appointment(), hasNextPage=True, endCursor="c2"))
    page = listing(hospital, "c1")
    assert (page.has_next, page.end_cursor) == (True, "c2")
    sent = peer.log[0][0].get_json()["variables"]
    assert sent == {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z", "first": 200, "after": "c1"}


def test_every_appointment_that_was_asked_for_has_its_sessions_or_none(hospital: Hospital, peer: HTTPServer) -> None:
    answer(peer, "serviceSessions", [SESSION, {**SESSION, "id": "S-2", "services": []}])
    billed = Session("S-1", "A-1", (BilledService("B-1", 1, "BILLED"),))
    assert hospital.sessions(["A-1", "A-2"]) == {"A-1": (billed, Session("S-2", "A-1", ())), "A-2": ()}


def test_sessions_of_no_appointments_are_not_asked_for(hospital: Hospital, peer: HTTPServer) -> None:
    assert hospital.sessions([]) == {}
    assert peer.log == []


@pytest.mark.parametrize(
    "broken", [None, [None], [{**SESSION, "appointmentId": "A-9"}], [{**SESSION, "services": None}], {}]
)
def test_sessions_that_may_hide_a_billed_service_are_unreadable(
    hospital: Hospital, peer: HTTPServer, broken: object
) -> None:
    answer(peer, "serviceSessions", broken)
    with pytest.raises(HospitalUnavailable, match="unreadable_answer"):
        hospital.sessions(["A-1", "A-2"])


def test_a_block_has_its_price_as_decimal_and_its_days_as_dates(hospital: Hospital, peer: HTTPServer) -> None:
    answer(peer, "serviceBlock", {**BLOCK, "validTo": "2026-12-31"})
    assert hospital.block("B-1") == Block(
        code="B-1",
        name="Consultation",
        status="ACTIVE",
        valid_from=date(2020, 1, 1),
        valid_to=date(2026, 12, 31),
        price=Decimal("83.87"),
        allowed_case_types=("OUTPATIENT",),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"price": 83.87},
        {"price": "NaN"},
        {"price": "1E+50"},
        {"price": "-1.00"},
        {"price": None},
        {"validTo": "never"},
        {"validFrom": None},
        {"allowedCaseTypes": None},
        {"allowedCaseTypes": ["DAYCASE"]},
        {"status": "active"},
        {"code": "B-2"},
    ],
)
def test_a_block_is_not_half_believed(hospital: Hospital, peer: HTTPServer, broken: dict[str, Any]) -> None:
    answer(peer, "serviceBlock", {**BLOCK, **broken})
    with pytest.raises(HospitalUnavailable, match="unreadable_answer"):
        hospital.block("B-1")


def test_an_unknown_key_is_answered_with_none(hospital: Hospital, peer: HTTPServer) -> None:
    for field in (
        *("serviceConfiguration", "costCenter", "responsiblePhysician", "case", "serviceBlock"),
        "serviceSessionByIdempotencyKey",
    ):
        peer.expect_ordered_request("/graphql").respond_with_json({"data": {field: None}})
    lookups = (hospital.configuration, hospital.cost_center, hospital.physician, hospital.case, hospital.block)
    assert [look_up("K") for look_up in (*lookups, hospital.session_by_key)] == [None] * 6


def test_a_written_session_comes_back(hospital: Hospital, peer: HTTPServer) -> None:
    answer(peer, "createServiceSession", {"session": SESSION, "errors": []})
    assert create(hospital) == Session("S-1", "A-1", (BilledService("B-1", 1, "BILLED"),))
    assert peer.log[0][0].get_json()["variables"]["input"] == {
        "idempotencyKey": "k-1",
        "appointmentId": "A-1",
        "caseId": "C-1",
        "costCenterId": "CC-1",
        "physicianId": "PH-1",
        "services": [{"blockCode": "B-1", "quantity": 1}, {"blockCode": "B-2", "quantity": 3}],
    }


def test_a_refused_session_comes_back_as_its_errors(hospital: Hospital, peer: HTTPServer) -> None:
    errors = [{"code": "BLOCK_NOT_VALID", "blockCode": "B-1"}, {"code": "INTERNAL", "blockCode": None}]
    answer(peer, "createServiceSession", {"session": None, "errors": errors})
    refused = WriteError("BLOCK_NOT_VALID", "B-1")
    assert create(hospital) == (refused, replace(refused, code="INTERNAL", block_code=None))
