"""Reads what pVerify answers with HTTP 200. Numbers come as text or as numbers, dates as MM/DD/YYYY."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from backoffice.adapters.eligibility_types import (
    Benefit,
    Checked,
    Coverage,
    NoFunds,
    Pending,
    Processed,
    Rejected,
    Report,
    Unknown,
)

COVERAGE: Final[dict[str, Coverage]] = {"active": "active", "inactive": "inactive"}
PENDING: Final = frozenset({3, 4})


def checked_of(body: bytes) -> Checked:
    """What the answer says; Unknown where it does not say what became of the inquiry."""
    answer = _answer(body)
    code, number = _number(answer.get("APIResponseCode")), _number(answer.get("RequestID"))
    if code is None or (code in PENDING and not number):
        return Unknown(code="unreadable_answer")
    if code == 0:
        return Processed(report=_report(answer, number or 0))
    if code == 2:
        return NoFunds(message=_text(answer.get("APIResponseMessage")))
    if code in PENDING:
        return Pending(request_id=number or 0)
    return Rejected(
        code=code,
        request_id=number or 0,
        message=_text(answer.get("APIResponseMessage")),
        payer_message=_text(answer.get("EDIErrorMessage")),
        follow_up=_text(answer.get("FollowUpAction")),
        resolution=_text(answer.get("PossibleResolution")),
    )


def _answer(body: bytes) -> dict[str, Any]:
    try:
        return _object(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _report(answer: dict[str, Any], number: int) -> Report:
    plan = _object(answer.get("PlanCoverageSummary"))
    return Report(
        request_id=number,
        coverage=COVERAGE.get(_text(plan.get("Status")).strip().lower(), "unknown"),
        plan_name=_text(plan.get("PlanName")),
        group_number=_text(plan.get("GroupNumber")),
        policy_type=_text(plan.get("PolicyType")),
        payer_name=_text(answer.get("PayerName")),
        effective=_day(plan.get("EffectiveDate")),
        expires=_day(plan.get("ExpiryDate")),
        payer_message=_text(answer.get("EDIErrorMessage")),
        benefits=tuple(_benefits(answer)),
        demographics=_object(answer.get("DemographicInfo")),
        document=answer,
    )


def _benefits(answer: dict[str, Any]) -> Iterator[Benefit]:
    """Sections stand in each of ServiceDetails, which older pages call ServiceTypeDetailInfo, or by themselves."""
    services = _objects(answer.get("ServiceDetails") or answer.get("ServiceTypeDetailInfo"))
    for service in [*services, answer]:
        name = _text(service.get("ServiceTypeName") or service.get("ServiceName"))
        for section in _objects(service.get("ServiceTypeSections")):
            for line in _objects(section.get("ServiceParameters")):
                messages = line.get("Message")
                yield Benefit(
                    service=name,
                    label=_text(section.get("Label")),
                    key=_text(line.get("Key")),
                    value=_text(line.get("Value")),
                    messages=tuple(map(_text, messages)) if isinstance(messages, list) else (),
                )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None or isinstance(value, dict | list) else str(value)


def _number(value: Any) -> int | None:
    """0 or more, as a number or as digits."""
    text = "" if isinstance(value, bool) else str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _day(value: Any) -> date | None:
    for form in ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"):
        try:
            return datetime.strptime(_text(value)[:10], form).date()  # noqa: DTZ007 (a day, not a moment)
        except ValueError:
            continue
    return None
