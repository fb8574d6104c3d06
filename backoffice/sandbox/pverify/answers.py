"""What pVerify answers about a member, in the field names of its published request collection (postman.pverify.com).

A memberID that begins with INACTIVE, REJECTED or PENDING gets that; every other one is active.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

Json = dict[str, Any]
PROCESSED, REJECTED, NO_FUNDS, PENDING = 0, 1, 2, 3
REQUIRED: Final = ("payerCode", "Provider_LastName", "Provider_NPI", "Date_Of_Service")
NOT_FOUND: Final = "Subscriber/Insured Not Found"


def missing_of(inquiry: Mapping[str, Any]) -> str:
    """What is wrong with the request itself, in a line; empty where nothing is."""
    missing = [name for name in REQUIRED if not inquiry.get(name)]
    if missing:
        return f"{', '.join(missing)} is required"
    if not (inquiry.get("memberID") or (inquiry.get("Patient_First") and inquiry.get("Patient_Last"))):
        return "memberID, or Patient_First and Patient_Last, is required"
    for name in ("Date_Of_Service", "Patient_DOB"):
        if inquiry.get(name) and day_of(inquiry[name]) is None:
            return f"{name} is not MM/DD/YYYY"
    return ""


def day_of(text: Any) -> datetime | None:
    """The day of MM/DD/YYYY."""
    try:
        return datetime.strptime(str(text), "%m/%d/%Y")  # noqa: DTZ007 (a day, not a moment)
    except ValueError:
        return None


def envelope(request_id: int, code: int, message: str, inquiry: Mapping[str, Any]) -> Json:
    """What every answer has, whatever became of the inquiry."""
    return {
        "RequestID": request_id,
        "APIResponseCode": str(code),
        "APIResponseMessage": message,
        "ProcessedWithError": False,
        "EDIErrorMessage": None,
        "FollowUpAction": None,
        "PossibleResolution": None,
        "PayerName": inquiry.get("payerName"),
        "VerificationType": "Subscriber Verification",
        "VerificationStatus": {PROCESSED: "Processed", REJECTED: "Rejected", PENDING: "Pending"}.get(code),
        "DOS": f"{inquiry.get('Date_Of_Service')} - {inquiry.get('Date_Of_Service')}",
        "IsPayerBackOffice": str(code == PENDING).upper(),
        "Location": inquiry.get("Location"),
        "ReferrenceId": inquiry.get("referenceId"),
        "DemographicInfo": None,
        "PlanCoverageSummary": None,
        "ServiceDetails": None,
    }


def rejected(request_id: int, inquiry: Mapping[str, Any]) -> Json:
    """The payer does not know the member."""
    return envelope(request_id, REJECTED, "Transaction rejected by the payer.", inquiry) | {
        "ProcessedWithError": True,
        "EDIErrorMessage": NOT_FOUND,
        "FollowUpAction": "Please Correct and Resubmit",
        "PossibleResolution": "Check the member's ID, name and date of birth.",
    }


def processed(request_id: int, inquiry: Mapping[str, Any], plan: Mapping[str, Any]) -> Json:
    """The member's coverage; `plan` replaces fields of PlanCoverageSummary."""
    inactive = str(inquiry.get("memberID", "")).startswith("INACTIVE")
    year = int(inquiry["Date_Of_Service"][-4:]) - inactive
    summary = {
        "Status": "Inactive" if inactive else "Active",
        "EffectiveDate": f"01/01/{year}",
        "ExpiryDate": f"12/31/{year}",
        "PlanName": "Open Choice PPO",
        "PlanNumber": None,
        "GroupNumber": "0698685-010-00001",
        "GroupName": "SANDBOX GROUP",
        "PolicyType": "Preferred Provider Organization (PPO)",
        "SubscriberRelationship": "Self",
    }
    return envelope(request_id, PROCESSED, "Transaction processed successfully.", inquiry) | {
        "PlanCoverageSummary": summary | dict(plan),
        "DemographicInfo": {"Subscriber": _subscriber(inquiry), "Dependent": None},
        "ServiceDetails": None if inactive else [_visits()],
    }


def _subscriber(inquiry: Mapping[str, Any]) -> Json:
    first, last = inquiry.get("Patient_First"), inquiry.get("Patient_Last")
    return {
        "Firstname": first,
        "Middlename": None,
        "Lastname_R": last,
        "FullName": f"{last}, {first}",
        "DOB_R": inquiry.get("Patient_DOB"),
        "Gender_R": None,
        "Identification": [{"Type": "Member Identification Number", "Code": inquiry.get("memberID"), "Name": None}],
        "Address1": None, "Address2": None, "City": None, "State": None, "Zip": None,
    }  # fmt: skip


def _visits() -> Json:
    def amount(key: str, value: str) -> Json:
        return {"Key": key, "Value": value, "Message": ["PER VISIT"], "OtherInfo": []}

    section = {
        "Label": "In Plan-Network",
        "ServiceParameters": [amount("Co-Payment", "$30.00"), amount("Co-Insurance", "20%")],
    }
    return {"ServiceTypeName": "Professional (Physician) Visit - Office", "ServiceTypeSections": [section]}
