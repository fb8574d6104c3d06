"""What a region takes: how long a video may be and of which kinds, by its keys UPLOAD_MAX_MB and UPLOAD_TYPES."""

from dataclasses import dataclass

from django.conf import settings

from backoffice.keyring import SecretUnreadable
from regions.keys import VIDEO_TYPES
from regions.models import Region

MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """`size`: bytes, at most; `kinds`: those of regions.keys.VIDEO_TYPES that are taken."""

    size: int
    kinds: frozenset[str]


def limits_of(region: Region) -> Limits:
    """Its own, or those of the installation; also where its keys do not open, since they guard nothing secret."""
    try:
        told = dict(region.env_vars)
    except SecretUnreadable:
        told = {}
    megabytes = int(told.get("UPLOAD_MAX_MB") or settings.UPLOAD_MAX_MB)
    kinds = (told.get("UPLOAD_TYPES") or " ".join(VIDEO_TYPES)).split(" ")
    return Limits(size=megabytes * MEGABYTE, kinds=frozenset(kinds))
