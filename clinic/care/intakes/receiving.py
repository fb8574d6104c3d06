"""A QuestionnaireResponse comes in: kept with the event that calls for its answers, or known already."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.care.intakes.answers import NotReadable, answers_of
from clinic.care.models import Intake
from clinic.events.outbox import record
from clinic.patients.locking import lock
from clinic.patients.models import Patient
from clinic.patients.register import NoSuchPatient

TAKEN = ("completed", "amended", "entered-in-error")
CORRECTS = ("amended", "entered-in-error")


def receive(patient: Patient, document: Mapping[str, Any]) -> tuple[Intake, bool]:
    """The intake of this document, and whether it is new; NotReadable, NoSuchPatient. A document that came before
    changes nothing."""
    list(answers_of(document))
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    try:
        with transaction.atomic():
            if lock(patient.pk) is None:
                raise NoSuchPatient
            intake = Intake.objects.create(
                region=patient.region, patient=patient, key=key_of(document, digest), digest=digest,
                status=document["status"], authored=authored_of(document), document=document,
            )  # fmt: skip
            record(patient.region, "intake.received", f"intake-{intake.key}", {"intake": intake.pk})
    except IntegrityError:
        return Intake.objects.get(patient=patient, digest=digest), False
    return intake, True


def key_of(document: Mapping[str, Any], digest: str) -> str:
    """What it is a version of: its identifier, else its id, else itself alone. A correction has to say of what."""
    identifier, own = document.get("identifier") or {}, document.get("id")
    if identifier.get("value"):
        named = ["identifier", identifier.get("system", ""), identifier["value"]]
    elif own:
        named = ["id", own]
    elif document["status"] in CORRECTS:
        raise NotReadable("What is amended or entered in error is named by identifier or id.")
    else:
        return digest
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def authored_of(document: Mapping[str, Any]) -> datetime:
    """When it was filled in; now where it does not say. FHIR's year or month alone is its first day."""
    text = str(document.get("authored") or "")
    if not text:
        return timezone.now()
    try:
        found = datetime.fromisoformat(text if len(text) > 7 else f"{text}-01-01"[:10])
    except ValueError:
        raise NotReadable("authored is a dateTime, as 2026-11-21T18:30:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
