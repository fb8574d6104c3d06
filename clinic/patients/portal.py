"""A portal's requests: each names its one patient in a claim that the portal has signed.

The claim is a JWT (HS256) in the header X-Patient-Claim: `sub` the patient's external id, `region` the region's name,
`aud` "nightward", `exp` at most an hour ahead. It is worth nothing without the portal's token, nor with another's.
"""

import secrets
import time
from datetime import timedelta
from typing import Any, cast

import jwt
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from backoffice.rest.views import of_token
from clinic.patients.models import Patient, PortalKey
from regions.models import ApiToken, Region

HEADER = "X-Patient-Claim"
AUDIENCE = "nightward"
LONGEST_SECONDS = 3600
VERBS = ("appointments:read", "appointments:write")
NOT_VALID = f"A portal's token needs the header {HEADER}, with a claim that is valid and names a patient of the region."


def claimed_patient(request: Request) -> Patient | None:
    """For whom the request acts; None where its token is no portal's. AuthenticationFailed (401) for a bad claim."""
    key = PortalKey.objects.filter(token=cast(ApiToken, request.auth)).first()
    if key is None:
        return None
    claim = _opened(request.headers.get(HEADER, ""), key.secret)
    rows = of_token(Patient.objects.select_related("region"), request)
    patient = rows.filter(region__name=claim.get("region", ""), external_id=claim["sub"]).first()
    if patient is None:
        raise AuthenticationFailed(NOT_VALID)
    return patient


def _opened(text: str, secret: str) -> dict[str, Any]:
    try:
        claim: dict[str, Any] = jwt.decode(
            text, str(secret), algorithms=["HS256"], audience=AUDIENCE, options={"require": ["exp", "sub", "aud"]}
        )
    except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, RecursionError):
        # One answer for all that may be wrong with it.
        raise AuthenticationFailed(NOT_VALID) from None
    expires = claim["exp"]
    if type(expires) not in (int, float) or not expires <= time.time() + LONGEST_SECONDS:
        raise AuthenticationFailed(NOT_VALID)
    if not (_is_text(claim.get("region")) and _is_text(claim["sub"])):
        raise AuthenticationFailed(NOT_VALID)
    return claim


def _is_text(value: object) -> bool:
    """Whether a database can be asked for it: no NUL, no lone surrogate."""
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def claim_for(patient: Patient, secret: str, *, seconds: int = 300) -> str:
    """What a portal sends for this patient; portals make it themselves, by any JWT library."""
    claim = {
        "sub": patient.external_id,
        "region": patient.region.name,
        "aud": AUDIENCE,
        "exp": int(time.time()) + seconds,
    }
    return jwt.encode(claim, secret, algorithm="HS256")


def issue_portal(*, owner: User, name: str, region: Region, days: int) -> tuple[ApiToken, str, str]:
    """A portal's token, its text, and the secret of its claims; both texts can be shown this once."""
    with transaction.atomic():
        token, text = ApiToken.objects.issue(
            owner=owner, name=name, regions=[region], verbs=VERBS, expires_at=timezone.now() + timedelta(days=days)
        )
        secret = secrets.token_urlsafe(32)
        PortalKey.objects.create(token=token, secret=secret)
    return token, text, secret
