from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from clinic.patients.models import Patient
from clinic.patients.portal import HEADER, VERBS, claim_for, issue_portal
from tests.booking.world import NOW, Clinic, PatientFactory, make_clinic
from tests.factories import ApiTokenFactory, RegionFactory, UserFactory

Portal = Callable[..., APIClient]


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    """It is the Sunday before; the test may move the clock."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def clinic(db: None, now: time_machine.Traveller) -> Clinic:
    """Open from 08:00 to 12:00 in Chicago, every day."""
    return make_clinic()


@pytest.fixture
def elsewhere(clinic: Clinic) -> Clinic:
    """The same in another region."""
    return make_clinic(RegionFactory.create(name="elsewhere", display_name="Elsewhere"))


def client_of(clinic: Clinic, **fields: Any) -> APIClient:
    """A client of staff: a token of the clinic's region, of an operator who may read and write."""
    token = ApiTokenFactory.create(**{"regions": [clinic.region], "verbs": VERBS, **fields})
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.text}")
    return client


@pytest.fixture
def api(clinic: Clinic) -> APIClient:
    return client_of(clinic)


@pytest.fixture
def portal(clinic: Clinic) -> Portal:
    """A client of the portal that acts for a patient of the clinic, the first one where none is named."""
    owner = UserFactory.create(role="operator", regions=[clinic.region])
    _, text, secret = issue_portal(owner=owner, name="portal", region=clinic.region, days=1)

    def acting(patient: Patient | None = None, claim: str | None = None) -> APIClient:
        client = APIClient()
        claim = claim_for(patient or clinic.patient, secret) if claim is None else claim
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}", **{f"HTTP_{HEADER.upper().replace('-', '_')}": claim})
        return client

    acting.secret = secret  # type: ignore[attr-defined]
    return acting


@pytest.fixture
def other_patient(clinic: Clinic) -> Patient:
    return PatientFactory.create(region=clinic.region)
