"""What is asked about a person's coverage, and what can come back. No repr shows what is known of the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Coverage = Literal["active", "inactive", "unknown"]


class EligibilityRefused(Exception):
    """Nothing can be asked until somebody changes a setting; the message is one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """One question to a payer, by pVerify's code of it. `reference` is ours and comes back as it was."""

    payer_code: str
    provider_last_name: str
    provider_npi: str
    date_of_service: date
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    member_id: str = field(repr=False)
    payer_name: str = ""
    reference: str = ""
    location: str = ""
    practice_type: str = ""

    def as_json(self) -> dict[str, Any]:
        """The body of EasyEligibilitySummary."""
        return {
            "payerCode": self.payer_code,
            "payerName": self.payer_name,
            "Provider_LastName": self.provider_last_name,
            "Provider_NPI": self.provider_npi,
            "Patient_First": self.first_name,
            "Patient_Last": self.last_name,
            "Patient_DOB": _us(self.birth_date),
            "memberID": self.member_id,
            "Date_Of_Service": _us(self.date_of_service),
            "referenceId": self.reference,
            "Location": self.location,
            "PracticeTypeCode": self.practice_type,
            "IncludeTextResponse": False,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Benefit:
    """One line of what a plan pays: "Physician Visit - Office", "In Plan-Network", "Co-Payment", "$30.00"."""

    service: str
    label: str
    key: str
    value: str
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A member's coverage. `document` is the whole answer, `demographics` the part of it that names the person.

    `payer_message` is what the payer said of an error, word for word; mostly empty.
    """

    request_id: int
    coverage: Coverage
    plan_name: str
    group_number: str
    policy_type: str
    payer_name: str
    effective: date | None
    expires: date | None
    payer_message: str = field(repr=False)
    benefits: tuple[Benefit, ...] = field(repr=False)
    demographics: Mapping[str, Any] = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Processed:
    """APIResponseCode 0: the payer has answered."""

    report: Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """APIResponseCode 1 (or one that no page explains): all texts word for word. Billed."""

    code: int
    request_id: int
    message: str = field(repr=False)
    payer_message: str = field(repr=False, default="")
    follow_up: str = field(repr=False, default="")
    resolution: str = field(repr=False, default="")


@dataclass(frozen=True, kw_only=True, slots=True)
class NoFunds:
    """APIResponseCode 2: the account cannot pay. Not billed, and no other inquiry will go through either."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """APIResponseCode 3 or 4: billed, and to be polled by `request_id`."""

    request_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NotAsked:
    """pVerify certainly has not taken it. `permanent`: until somebody changes a setting."""

    code: str
    permanent: bool
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """It may have been taken and billed: no answer, or none that can be read."""

    code: str


Checked = Processed | Rejected | NoFunds | Pending | NotAsked | Unknown


def _us(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""
