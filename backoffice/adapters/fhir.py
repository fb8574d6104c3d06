"""A FHIR R4 server's patients: looked up by identifier, their mobile phone changed, nothing else (X-06, X-07, X-08).

    with open_client("purbalingga", url, token, system=system, redis_url=redis_url) as client:
        for value, found in client.find(values, region="purbalingga").items():
            for patient in found.patients:                              # each of them is to be updated [S1-14]
                resource = change_phone(patient.resource, "+628123456789", today)    # None: it has this number
        written = client.put([Change(patient=patient, resource=resource)], region="purbalingga")
        again = client.read([patient.id], region="purbalingga")         # after "conflict" or "unknown"

After "conflict" read the patient and decide again; after "unknown" read it and compare: where it has the number, the
write was done. FhirRefused and PaceUnavailable are for whoever configures, and end a run; a fault or a code is its
item's. Everything a client does keeps the region's pace, in requests and in entries of batches [S1-18, X-01].
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from backoffice.adapters import fhir_write
from backoffice.adapters.fhir_batch import Batches
from backoffice.adapters.fhir_phone import change_phone, change_telecom
from backoffice.adapters.fhir_search import Search, Strategy
from backoffice.adapters.fhir_tokens import ClientCredentials, StaticToken, Tokens
from backoffice.adapters.fhir_types import (
    Change,
    FhirRefused,
    FhirUnavailable,
    Found,
    Patient,
    Read,
    Written,
    WrongRegion,
)
from backoffice.adapters.fhir_wire import Request, Speed, Wire
from backoffice.adapters.fhir_write import Method
from backoffice.adapters.pace import Pace

__all__ = [
    "Change",
    "Credentials",
    "FhirClient",
    "FhirRefused",
    "FhirUnavailable",
    "Found",
    "Method",
    "Options",
    "Patient",
    "Read",
    "Strategy",
    "Written",
    "WrongRegion",
    "change_phone",
    "change_telecom",
    "open_client",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """OAuth2 client credentials (FHIR_TOKEN_URL, FHIR_CLIENT_ID, FHIR_CLIENT_SECRET)."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What one server can take, per second, at once, in seconds and in one batch; and how it wants to be asked."""

    requests_per_second: float | None = 10.0
    entries_per_second: float | None = 300.0
    connections: int = 8
    timeout: float = 30.0
    backoff: float = 1.0
    batch: bool = True  # false: it knows no batch. A server that says so is believed, too
    entries_per_batch: int = 100
    bytes_per_batch: int = 1_000_000
    strategy: Strategy = "batch-get"  # or "or-search", where a server takes lists but no batch
    method: Method = "put"  # or a patch of telecom alone


DEFAULTS = Options()


class FhirClient:
    """One region's server; safe to share between threads. Made by open_client.

    Each call names the region that it is for, and raises WrongRegion where that is not the client's own. Further it
    raises FhirRefused, after which no call can succeed, and PaceUnavailable; whatever befalls single patients is told
    in what is returned.
    """

    def __init__(self, region: str, wire: Wire, batches: Batches, search: Search, method: Method) -> None:
        self.region = region
        self._wire, self._batches, self._search, self._method = wire, batches, search, method

    def find(self, values: Sequence[str], *, region: str) -> dict[str, Found]:
        """What each identifier value of the configured system stands for; every value is a key."""
        self._check(region)
        return self._search.find(values)

    def read(self, ids: Sequence[str], *, region: str) -> dict[str, Read]:
        """Each patient as it is now, by its id of FHIR; every id is a key."""
        self._check(region)
        return fhir_write.read(self._batches, self.region, ids)

    def is_meant(self, patient: Patient, value: str, *, region: str) -> bool:
        """Whether the patient, as it is now, is still one that `find` would give to be updated for the value."""
        self._check(region)
        self._check(patient.region)
        return self._search.is_meant(patient, value)

    def put(self, changes: Sequence[Change], *, region: str) -> list[Written]:
        """Make each patient what its change says, if it is still in the version that it was read in; in their order."""
        self._check(region)
        for change in changes:
            self._check(change.patient.region)
        return fhir_write.put(self._batches, changes, self._method)

    def try_search(self, *, region: str) -> int:
        """The HTTP status of a search that counts patients and reads none: does the address work, and the token?

        Raises FhirUnavailable beside what every call does.
        """
        self._check(region)
        request = Request(kind="check", method="GET", url=f"{self._wire.base}/Patient?_summary=count")
        return self._wire.ask(request, lambda answer, _: answer.status)

    def take_calls(self) -> Counter[str]:
        """What was done since the last take.

        Calls by kind (lookup_batch, search, page, read_batch, write_batch; lookup, read, write one by one), and
        requests, entries, retries, token_refused, strangers, bytes_sent, bytes_received.
        """
        return self._wire.take_calls()

    def _check(self, region: str) -> None:
        if region != self.region:
            raise WrongRegion(self.region, region)


@contextmanager
def open_client(
    region: str,
    base_url: str,
    token: str | Credentials,
    *,
    system: str,
    redis_url: str,
    options: Options = DEFAULTS,
    correlation_id: str = "",
) -> Iterator[FhirClient]:
    """Connect to the region's server at `base_url`, where identifiers of `system` are looked up. Raises FhirRefused.

    Pace, pauses and tokens are shared in Redis with everybody who opens a client of this region; with options that know
    no pace, `redis_url` may be empty. An empty token is for an open server.
    """
    if not system.strip():
        raise FhirRefused("FHIR_IDENTIFIER_SYSTEM is empty: without it, other people's numbers would match.")
    with ExitStack() as opened:
        speed = Speed(
            pace=opened.enter_context(closing(Pace(redis_url, f"pace:fhir:{region}", options.requests_per_second))),
            entries=opened.enter_context(
                closing(Pace(redis_url, f"pace:fhir_entries:{region}", options.entries_per_second))
            ),
            connections=options.connections,
            timeout=options.timeout,
            backoff=options.backoff,
        )
        tokens = opened.enter_context(closing(_tokens(region, token, redis_url, options)))
        wire = opened.enter_context(closing(Wire(base_url, tokens, speed, correlation_id=correlation_id)))
        batches = Batches(wire, batch=options.batch, most=options.entries_per_batch, most_bytes=options.bytes_per_batch)
        search = Search(
            wire, batches, region=region, system=system, strategy=options.strategy, most=options.entries_per_batch
        )
        yield FhirClient(region, wire, batches, search, options.method)


def _tokens(region: str, token: str | Credentials, redis_url: str, options: Options) -> Tokens:
    if isinstance(token, str):
        return StaticToken(token)
    return ClientCredentials(
        token.token_url,
        token.client_id,
        token.client_secret,
        redis_url=redis_url,
        key=f"token:fhir:{region}",
        scope=token.scope,
        timeout=options.timeout,
        backoff=options.backoff,
    )
