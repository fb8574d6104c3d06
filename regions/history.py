"""The versions of a region's configuration: who made which, when, and what changed from one to the next.

Secrets are kept with the rest, encrypted, so that what worked can be put back; nothing here ever shows one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max

from backoffice.keyring import SecretUnreadable
from regions import keys
from regions.models import Region, RegionVersion
from regions.regionfile import export

NONE = "none"
STORED, OTHER = "stored", "stored, another value"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One key of the file, before and after, as people may see it: of a secret only whether it is the same one."""

    key: str
    before: str
    after: str


def record(
    region: Region, origin: RegionVersion.Origin, *, made_by: User | None = None, put_back: int | None = None
) -> RegionVersion | None:
    """The region as it stands in the database, as its next version; None where that is the last one already.

    Inside the transaction that saves the region. A region whose secrets do not open has no version to go back to.
    """
    region = Region.objects.get(pk=region.pk)  # as others will read it: 82.5 has become 82.50
    try:
        document = {"file": export(region, secrets=True), "env_sources": dict(region.env_sources)}
    except SecretUnreadable:
        return None
    last = region.versions.first()
    if last is not None and _opened(last) == _plain(document):
        return None
    number = (region.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return RegionVersion.objects.create(
        region=region, number=number, origin=origin, made_by=made_by, put_back=put_back, document=_plain(document)
    )


def record_before(region: Region) -> None:
    """What the region is until now, where it is older than its history. Its row is locked from here on."""
    now = Region.objects.select_for_update().get(pk=region.pk)
    if not now.versions.exists():
        record(now, RegionVersion.Origin.BEFORE)


def file_of(version: RegionVersion) -> tuple[dict[str, Any], dict[str, str]]:
    """(The region file with its secrets in clear, where values came from the environment); or SecretUnreadable."""
    return dict(version.document["file"]), dict(version.document["env_sources"])


def differences(before: RegionVersion | None, after: RegionVersion) -> list[Difference] | None:
    """What changed from one version to the other, key by key; None where one of them does not open."""
    try:
        old = _flat(file_of(before)[0]) if before else {}
        new = _flat(file_of(after)[0])
    except SecretUnreadable:
        return None
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [_difference(key, old.get(key), new.get(key)) for key in changed]


def secrets_differ(found: list[Difference]) -> bool:
    return any(one.key.removeprefix("env_vars.") in keys.SECRETS for one in found)


def _difference(key: str, old: Any, new: Any) -> Difference:
    if key.removeprefix("env_vars.") in keys.SECRETS:
        after = NONE if new is None else STORED if old is None else OTHER
        return Difference(key=key, before=NONE if old is None else STORED, after=after)
    return Difference(key=key, before=_said(old), after=_said(new))


def _said(value: Any) -> str:
    if value is None or value == "":
        return NONE
    return value if isinstance(value, str) else json.dumps(value)


def _flat(file: Mapping[str, Any]) -> dict[str, Any]:
    """{"pace.fhir": 10, …}: one key for each thing that can change."""
    found: dict[str, Any] = {}
    for key, value in file.items():
        found |= {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
    return found


def _opened(version: RegionVersion) -> Any:
    try:
        return dict(version.document)
    except SecretUnreadable:
        return None


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the database, so that two of them can be compared."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain
