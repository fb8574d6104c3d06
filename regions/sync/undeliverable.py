"""Delivery feedback: a number to which messages come back is marked wherever a sheet holds it, until it is another one.

Whoever sends messages calls `report`. The row closes by itself when a sync takes the number out of the patient.
"""

from collections.abc import Collection, Iterable, Mapping

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from backoffice.audit import hidden, record_change
from backoffice.keyring import SecretUnreadable
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Resolution, Run
from regions.models import Region
from regions.phones import clean
from regions.sync.intents import telecom_after, telecom_before
from regions.sync.marks import digest_of
from regions.sync.models import PhoneUpdate, UndeliverablePhone


def report(region: Region, number: str, reason: str, *, patient_id: str = "") -> UndeliverablePhone:
    """Open the number's row, or count one more report in the open one. Misuse for what is no number or no reason."""
    try:
        e164 = clean(number, region.country).e164
    except ValueError as error:
        raise Misuse(f"Region {region.name}: {error}") from None
    if not e164:
        raise Misuse("This is no phone number: give it with its country code, as +628123456789.")
    if reason not in UndeliverablePhone.Reason.values:
        raise Misuse(f"reason is one of: {', '.join(UndeliverablePhone.Reason.values)}.")
    key = {"region": region, "digest": digest_of(e164), "patient_id": patient_id}
    try:
        with transaction.atomic():
            return UndeliverablePhone.objects.create(**key, reason=reason, phone={"number": e164})
    except IntegrityError:
        rows = UndeliverablePhone.objects.filter(**key, resolution=Resolution.OPEN)
        rows.update(reports=F("reports") + 1, reason=reason, last_reported_at=timezone.now())
        return rows.get()


def close_corrected(run: Run, updates: Iterable[PhoneUpdate], among: Mapping[str, list[int]]) -> int:
    """Close the rows of numbers that these changes took out of their patients; how many. `among`: by marked()."""
    if not among:
        return 0
    closed = 0
    for update in updates:
        if gone := _gone(update, run.region) & among.keys():
            rows = UndeliverablePhone.objects.filter(
                pk__in=[pk for digest in gone for pk in among[digest]], patient_id__in=("", update.patient_id),
                resolution=Resolution.OPEN,
            )  # fmt: skip
            closed += rows.update(resolution=Resolution.FIXED, resolved_at=timezone.now(), fixed_by=run)
    return closed


def _gone(update: PhoneUpdate, region: Region | None) -> set[str]:
    """The digests of the numbers that were in force before the change and are not after it."""
    return _in_force(telecom_before(update), region) - _in_force(telecom_after(update), region)


def _in_force(telecom: list[object], region: Region | None) -> set[str]:
    phones = [entry for entry in telecom if isinstance(entry, dict) and entry.get("system") == "phone"]
    values = [entry.get("value") for entry in phones if entry.get("use") != "old"]
    return {digest_of(e164) for value in values if (e164 := clean(value, region.country if region else "").e164)}


def dismiss(row: UndeliverablePhone, user: User, reason: str) -> bool:
    """Whether it was open, and no longer is: the number works after all, or the patient has no other."""
    return _move(row, Resolution.OPEN, Resolution.DISMISSED, user, reason)


def reopen(row: UndeliverablePhone, user: User) -> bool:
    """Whether it was dismissed, and is open again. One that was emptied has no number that could be corrected."""
    if not row.digest:
        return False
    try:
        with transaction.atomic():
            return _move(row, Resolution.DISMISSED, Resolution.OPEN, user, "")
    except IntegrityError:
        return False  # it was reported once more meanwhile: another row of the number is open


def rows_of(region: Region, numbers: Collection[str], patient_id: str = "") -> list[UndeliverablePhone]:
    """Rows of the region, open or not, of one of these numbers in E.164, or reported of this patient."""
    rows = UndeliverablePhone.objects.filter(region=region).exclude(digest="").order_by("pk")
    wanted = {number for number in numbers if number}
    digests = {digest_of(number) for number in wanted}
    return [row for row in rows.iterator() if _is_of(row, wanted, digests, patient_id)]


def _is_of(row: UndeliverablePhone, numbers: Collection[str], digests: Collection[str], patient_id: str) -> bool:
    """By the number as well: its digest is another one since the last SECRET_KEY, and all there is without its key."""
    if row.digest in digests or (patient_id and row.patient_id == patient_id):
        return True
    try:
        return row.phone.get("number") in numbers
    except SecretUnreadable:
        return False


def empty(row: UndeliverablePhone, user: User | None, why: str) -> None:
    """Close it where it is open, and keep nothing of whose it was: reason, times and counts stay."""
    if row.resolution == Resolution.OPEN:
        row.resolution, row.resolved_at, row.resolved_by = Resolution.DISMISSED, timezone.now(), user
        record_change(row, {"resolution": (str(Resolution.OPEN), str(Resolution.DISMISSED))})
    row.digest, row.patient_id, row.phone, row.resolved_reason = "", "", {}, why
    row.save(update_fields=[
        "resolution", "resolved_at", "resolved_by", "digest", "patient_id", "phone", "resolved_reason",
    ])  # fmt: skip


def _move(row: UndeliverablePhone, before: Resolution, after: Resolution, user: User, reason: str) -> bool:
    """By compare-and-set, and into the audit log, which never holds the reason itself."""
    changed = UndeliverablePhone.objects.filter(pk=row.pk, resolution=before).update(
        resolution=after, resolved_by=user, resolved_at=timezone.now(), resolved_reason=reason
    )
    if changed:
        reasons = (hidden(row.resolved_reason), hidden(reason))
        record_change(row, {"resolution": (str(before), str(after)), "resolved_reason": reasons})
    return bool(changed)
