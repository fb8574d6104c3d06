"""What a job needs to reach a region's systems: plain, frozen, and bound to that region."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backoffice.keyring import SecretUnreadable
from backoffice.runs.faults import ConfigError
from regions.models import Region


class MissingConnection(ConfigError):
    """The region lacks keys that a job needs; the message names the region and the keys."""

    def __init__(self, region: str, missing: list[str]) -> None:
        super().__init__(f"Region {region} lacks {', '.join(missing)}: add it to the region file and load it.")
        self.region, self.missing = region, tuple(missing)


class UnreadableConnection(ConfigError):
    """The region's secrets do not open with the keys at hand."""

    def __init__(self, region: str) -> None:
        super().__init__(f"The secrets of region {region} do not open with FIELD_KEYS: restore the key, or load it.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """One system of one region. `token` is shown by nothing."""

    region: str
    url: str
    token: str = field(repr=False)


def hospital_connection(region: Region) -> Connection:
    """The region's hospital; MissingConnection or UnreadableConnection says why there is none."""
    values = _values(region, "HOSPITAL_GRAPHQL_URL", "HOSPITAL_API_TOKEN")
    return Connection(region=region.name, url=values["HOSPITAL_GRAPHQL_URL"], token=values["HOSPITAL_API_TOKEN"])


def sync_values(region: Region) -> Mapping[str, str]:
    """What the phone sync is told of the region's sheet and FHIR server; secrets are among it. Raises as the above."""
    return _values(region, "SPREADSHEET_ID", "FHIR_SERVER_URL", "FHIR_IDENTIFIER_SYSTEM")


def eligibility_values(region: Region) -> Mapping[str, str]:
    """The region's account with pVerify, and PVERIFY_URL where it is not pVerify's own. Raises as the above."""
    return _values(region, "PVERIFY_CLIENT_ID", "PVERIFY_CLIENT_SECRET")


def _values(region: Region, *needed: str) -> Mapping[str, str]:
    try:
        values: Mapping[str, str] = region.env_vars
    except SecretUnreadable:
        raise UnreadableConnection(region.name) from None
    missing = [key for key in needed if not values.get(key)]
    if missing:
        raise MissingConnection(region.name, missing)
    return values
