"""A region's clearinghouse: where its files go, who they say they are from, and how long an answer may take."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backoffice.adapters.sftp_types import Server
from backoffice.keyring import SecretUnreadable
from regions.clearinghouse_keys import AS_SENDER, LINE_BREAKS, REQUIRED, USUAL
from regions.connections import MissingConnection, UnreadableConnection
from regions.models import Region


@dataclass(frozen=True, kw_only=True, slots=True)
class Clearinghouse:
    """Everything of one region. The fields between `sender` and `claims_per_set` are those of claims.edi's Envelope.

    `test`: files are named OATEST and not forwarded to payers. hours_to_upload is counted from when a file is stored,
    hours_to_999, hours_to_277ca and days_to_835 from the upload. `contractual`: reasons of CAS that are no denial;
    None: the usual ones.
    """

    region: str
    server: Server
    sender: str
    receiver: str
    sender_qualifier: str
    receiver_qualifier: str
    group_sender: str
    group_receiver: str
    submitter: str
    submitter_id: str
    contact: str
    phone: str
    receiver_name: str
    receiver_id: str
    acknowledge: bool
    test: bool
    line_break: str
    claims_per_set: int
    hours_to_upload: int
    hours_to_999: int
    hours_to_277ca: int
    days_to_835: int
    contractual: frozenset[str] | None = None


def clearinghouse_of(region: Region) -> Clearinghouse:
    """The region's; MissingConnection or UnreadableConnection says in one line why there is none."""
    try:
        secrets: Mapping[str, str] = region.env_vars
    except SecretUnreadable:
        raise UnreadableConnection(region.name) from None
    missing = missing_keys(region.clearinghouse, secrets)
    if missing:
        raise MissingConnection(region.name, missing)
    told = _complete(region.clearinghouse)
    fields = {key: told[key] for key in Clearinghouse.__dataclass_fields__ if key in told}
    fields |= {"line_break": LINE_BREAKS[told["line_break"]]}
    fields |= {"contractual": frozenset(told["contractual"]) if "contractual" in told else None}
    return Clearinghouse(region=region.name, server=server_of(region.clearinghouse, secrets), **fields)


def missing_keys(told: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """What a job could not do without, as the file names it."""
    missing = [f"clearinghouse.{key}" for key in REQUIRED if not told.get(key)]
    if not (secrets.get("SFTP_PASSWORD") or secrets.get("SFTP_PRIVATE_KEY")):
        missing.append("SFTP_PASSWORD or SFTP_PRIVATE_KEY")
    return missing


def server_of(told: Mapping[str, Any], secrets: Mapping[str, str]) -> Server:
    """The account, of which missing_keys() has found nothing missing."""
    told = _complete(told)
    return Server(
        host=told["host"],
        port=told["port"],
        user=told["user"],
        password=secrets.get("SFTP_PASSWORD", ""),
        private_key=secrets.get("SFTP_PRIVATE_KEY", ""),
        known_hosts=told["known_hosts"],
        inbound=told["inbound"],
        outbound=told["outbound"],
        upload_mode=told["upload_mode"],
        timeout=float(told["timeout"]),
        max_bytes=told["max_megabytes"] * 1024 * 1024,
    )


def _complete(told: Mapping[str, Any]) -> dict[str, Any]:
    as_sender = {key: told["sender"] for key in AS_SENDER if "sender" in told}
    return {**USUAL, **as_sender, **told}
