"""Idempotency-Key: a request that is sent again is answered again, and done once.

The key and what it was done for commit together with the change, so that there is no moment at which one of them is
there without the other. What failed is not kept: it has changed nothing, and may succeed later.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import cast

from django.db import IntegrityError, transaction
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.errors import KeyUsed
from clinic.booking.models import KeptAnswer
from regions.models import ApiToken

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 150
KEY = re.compile(rf"[!-~]{{1,{LONGEST}}}")


def once(request: Request, scope: str, act: Callable[[], Response]) -> Response:
    """What `act` answers, or answered before to the same request of this token, `scope` and key; KeyUsed (422) for
    another request. Without the header: `act`."""
    key = request.headers.get(HEADER)
    if key is None:
        return act()
    if not KEY.fullmatch(key):
        raise ValidationError({HEADER: [f"1 to {LONGEST} visible characters of ASCII."]})
    token, digest = cast(ApiToken, request.auth), _digest(request)
    key = f"{scope}:{key}"
    with transaction.atomic():
        kept = _reserved(token, key, digest)
        if kept is not None:
            response = act()
            kept.status = response.status_code
            kept.body = JSONRenderer().render(response.data).decode()
            kept.save(update_fields=["status", "body"])
            return response
    known = KeptAnswer.objects.get(token=token, key=key)
    if known.digest != digest:
        raise KeyUsed
    return Response(json.loads(known.body), status=known.status, headers={REPLAYED: "true"})


def _reserved(token: ApiToken, key: str, digest: str) -> KeptAnswer | None:
    """The row of a new key; None for one that is known. Who comes while another works waits for the end of it."""
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(token=token, key=key, digest=digest)
    except IntegrityError:
        return None


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()
