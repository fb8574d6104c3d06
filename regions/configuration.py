"""The one way by which a region's configuration changes: from a file or from the admin, with its audit entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction

from backoffice import audit
from backoffice.keyring import SecretUnreadable
from regions import keys
from regions.models import Region
from regions.regionfile import COLUMNS, RegionFile, RegionFileError


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a file did: `changed` names the keys, of which a new region has none."""

    region: Region
    created: bool
    changed: tuple[str, ...]


def check_kept(file: RegionFile, region: Region | None) -> dict[str, str]:
    """The secrets that the file leaves as they are; RegionFileError names those that the region does not have."""
    held = held_values(region) if file.kept and region else {}
    missing = sorted(file.kept - held.keys())
    if missing:
        problem = "keep: stands for a secret that this region does not have"
        raise RegionFileError([f"env_vars.{key}: {problem}" for key in missing])
    if moved := secrets_to_give_again(held, file.env_vars, file.kept):
        problem = "keep: the address that it is sent to changes; give the secret again"
        raise RegionFileError([f"env_vars.{key}: {problem}" for key in moved])
    return {key: held[key] for key in file.kept}


def secrets_to_give_again(held: Mapping[str, str], values: Mapping[str, str], kept: Iterable[str]) -> list[str]:
    """Kept secrets whose address becomes another one: who may change an address may not send a secret there that they
    were never shown."""
    return sorted(
        secret
        for secret in kept
        if any(address in values and origin(values[address]) != origin(held.get(address, ""))
               for address in keys.SENT_TO[secret])
    )  # fmt: skip


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


def load(file: RegionFile) -> Loaded:
    """Make the region what the file says, all or nothing. Loading a file again changes nothing and records nothing.

    What the file leaves out gets its default; `paused` and `staff` are not the file's.
    """
    with transaction.atomic():
        region = Region.objects.select_for_update().filter(name=file.name).first()
        values = {**file.env_vars, **check_kept(file, region)}
        blank = Region(name=file.name)
        columns = {column: file.columns.get(column, getattr(blank, column)) for column in COLUMNS}
        columns |= {"deployment": file.deployment, "env_sources": dict(file.env_sources)}
        if region is None:
            region = Region.objects.create(name=file.name, env_vars=values, **columns)
            return Loaded(region=region, created=True, changed=())
        changed = [name for name, value in columns.items() if getattr(region, name) != value]
        for name in changed:
            setattr(region, name, columns[name])
        changed_values = set_env_vars(region, values)
        if changed or changed_values:
            save(region, changed_values)
        return Loaded(region=region, created=False, changed=(*changed, *(f"env_vars.{key}" for key in changed_values)))


def set_env_vars(region: Region, values: Mapping[str, str]) -> list[str]:
    """Give the region these values, unsaved, and return the names of those that differ."""
    held = held_values(region)
    changed = sorted(key for key in held.keys() | values.keys() if held.get(key) != values.get(key))
    if changed:
        region.env_vars = dict(values)
    return changed


def save(region: Region, changed_values: list[str]) -> None:
    """Save the region, and record the names of changed values, which auditlog is not shown."""
    region.save()
    if changed_values:
        audit.record_change(region, {f"env_vars.{key}": ("(hidden)", "(hidden)") for key in changed_values})
