"""Whom this installation may call at all: a copy of another, such as staging, holds secrets of the other's vendors."""

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


def may_reach(host: str) -> bool:
    """Whether ONLY_HOSTS lets a connection be made to `host`, as it is written there; a host that it keeps away from is
    logged. Whoever opens a connection to the outside asks first."""
    allowed = {_plain(name) for name in settings.ONLY_HOSTS}
    if not allowed or _plain(host) in allowed:
        return True
    log.warning("host_not_in_only_hosts", host=host)
    return False


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()
