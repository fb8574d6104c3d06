"""The one way by which a region's configuration changes: from a file or from the admin, with its audit entry."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction

from backoffice import audit
from backoffice.keyring import SecretUnreadable
from regions import history, keys
from regions.clearinghouse_keys import address_of
from regions.models import Region, RegionVersion
from regions.regionfile import COLUMNS, RegionFile, RegionFileError, parse


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a file did: `changed` names the keys, of which a new region has none."""

    region: Region
    created: bool
    changed: tuple[str, ...]


def check_kept(file: RegionFile, region: Region | None) -> dict[str, str]:
    """The secrets that the file leaves as they are; RegionFileError names those that the region does not have."""
    held = destinations(held_values(region), region.clearinghouse) if file.kept and region else {}
    missing = sorted(file.kept - held.keys())
    if missing:
        problem = "keep: stands for a secret that this region does not have"
        raise RegionFileError([f"env_vars.{key}: {problem}" for key in missing])
    values = destinations(file.env_vars, file.columns.get("clearinghouse", {}))
    if moved := secrets_to_give_again(held, values, file.kept):
        problem = "keep: the address that it is sent to changes; give the secret again"
        raise RegionFileError([f"env_vars.{key}: {problem}" for key in moved])
    return {key: held[key] for key in file.kept}


def secrets_to_give_again(held: Mapping[str, str], values: Mapping[str, str], kept: Iterable[str]) -> list[str]:
    """Kept secrets whose address becomes another one: who may change an address may not send a secret there that they
    were never shown. Both are what destinations() returns."""
    return sorted(
        secret
        for secret in kept
        if any(address in values and origin(values[address]) != origin(held.get(address, ""))
               for address in keys.SENT_TO[secret])
    )  # fmt: skip


def destinations(values: Mapping[str, str], clearinghouse: Mapping[str, Any]) -> dict[str, str]:
    """env_vars, and under keys.CLEARINGHOUSE where the login of SFTP goes."""
    return {**values, keys.CLEARINGHOUSE: address_of(clearinghouse)}


def origin(address: str) -> tuple[str, str]:
    """Scheme, host and port of a URL, as a browser compares them."""
    parts = urlsplit(address)
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def held_values(region: Region) -> Mapping[str, str]:
    """The region's values; none where they do not open, so that a file can replace them after the loss of a key."""
    try:
        return region.env_vars
    except SecretUnreadable:
        return {}


def load(file: RegionFile, *, made_by: User | None = None, put_back: int | None = None) -> Loaded:
    """Make the region what the file says, all or nothing. Loading a file again changes nothing and records nothing.

    What the file leaves out gets its default; `paused` and `staff` are not the file's. `put_back`: the number of the
    version that the file was.
    """
    origin = RegionVersion.Origin.FILE if put_back is None else RegionVersion.Origin.PUT_BACK
    with transaction.atomic():
        region = Region.objects.select_for_update().filter(name=file.name).first()
        values = {**file.env_vars, **check_kept(file, region)}
        blank = Region(name=file.name)
        columns = {column: file.columns.get(column, getattr(blank, column)) for column in COLUMNS}
        columns |= {"deployment": file.deployment, "env_sources": dict(file.env_sources)}
        if region is None:
            region = Region.objects.create(name=file.name, env_vars=values, **columns)
            history.record(region, origin, made_by=made_by)
            return Loaded(region=region, created=True, changed=())
        changed = [name for name, value in columns.items() if getattr(region, name) != value]
        for name in changed:
            setattr(region, name, columns[name])
        changed_values = set_env_vars(region, values)
        if changed or changed_values:
            save(region, changed_values, made_by=made_by, origin=origin, put_back=put_back)
        return Loaded(region=region, created=False, changed=(*changed, *(f"env_vars.{key}" for key in changed_values)))


def set_env_vars(region: Region, values: Mapping[str, str]) -> list[str]:
    """Give the region these values, unsaved, and return the names of those that differ."""
    held = held_values(region)
    changed = sorted(key for key in held.keys() | values.keys() if held.get(key) != values.get(key))
    if changed:
        region.env_vars = dict(values)
    return changed


def save(
    region: Region,
    changed_values: list[str],
    *,
    made_by: User | None,
    origin: RegionVersion.Origin,
    put_back: int | None = None,
) -> None:
    """Save the region and its version, and record the names of changed values, which auditlog is not shown."""
    if region.pk:
        history.record_before(region)
    region.save()
    history.record(region, origin, made_by=made_by, put_back=put_back)
    if changed_values:
        audit.record_change(region, {f"env_vars.{key}": ("(hidden)", "(hidden)") for key in changed_values})


def put_back(version: RegionVersion, *, made_by: User | None, keep_secrets: bool = False) -> Loaded:
    """Make the region what it was in that version; RegionFileError says why it can no longer be that.

    `keep_secrets`: those of now stay wherever they are sent to the same address.
    """
    with transaction.atomic():
        region = Region.objects.select_for_update().get(pk=version.region_id)
        file, sources = history.file_of(version)
        kept = kept_secrets(region, file) if keep_secrets else {}
        values = {**file["env_vars"], **kept}
        parsed = parse(json.dumps({**file, "env_vars": values}), environ={})
        loaded = load(
            replace(parsed, env_sources={key: name for key, name in sources.items() if key not in kept}),
            made_by=made_by,
            put_back=version.number,
        )
        if loaded.changed:
            audit.record_change(region, {"configuration": ("", f"version {version.number} put back")})
    return loaded


def kept_secrets(region: Region, file: Mapping[str, Any]) -> dict[str, str]:
    """The present secrets that would go where they go now, were the region made what the file says."""
    held = destinations(held_values(region), region.clearinghouse)
    values = destinations(file["env_vars"], file.get("clearinghouse", {}))
    here = [key for key in keys.SECRETS if key in held and key in values]
    moved = secrets_to_give_again(held, values, here)
    return {key: held[key] for key in here if key not in moved}
