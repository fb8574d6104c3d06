"""The API against its own schema: schemathesis sends what the schema allows and what it forbids, and follows links."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from backoffice.runs.models import Failure
from regions.models import Region
from tests.admin.billing_world import make_billing
from tests.admin.claims_world import make_claims
from tests.api.conftest import TokenClient, make_missing, make_run
from tests.booking.world import make_booking
from tests.uploads.conftest import no_files
from tests.uploads.world import OCTETS, a_video

__all__ = ["no_files"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("default"),  # schemathesis' own, which are not ours to mend
]

# What only the job or the worklist can judge, a range that is empty or a day that is past, is 400 as well.
# An upload of no bytes comes without the type and length that tus asks for (415, 411).
ANSWERED = ["2xx", "400", "401", "403", "404", "409", "410", "411", "413", "415", "422", "460"]
# tus refuses another version by 412, before anything else is looked at.
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "410", "411", "412", "413", "415", "422", "429"]
JUDGED_LATER = {
    "positive_data_acceptance": {"expected-statuses": ANSWERED},
    "negative_data_rejection": {"expected-statuses": REFUSED},
    "missing_required_header": {"expected-statuses": ["400", "401", "403", "412", "415"]},
}
BOOKING = [
    "appointment_types_create", "appointments_create", "appointments_reschedule_create", "availability_list",
    "availability_retrieve", "appointments_list", "holds_create", "patients_create", "schedules_replace_create",
    "waitlist_create", "intakes_create", "insurance_create", "uploads_create", "uploads_partial_update",
    "uploads_destroy",
]  # fmt: skip
LONGEST = 60  # a region's name; a longer one is sent as it is, to be refused
EVERYTHING = ("examples", "coverage", "fuzzing", "stateful")


def config(token: str, region: str, phases: tuple[str, ...], most: int) -> dict[str, Any]:
    return {
        "headers": {"Authorization": f"Bearer {token}"},
        "generation": {"max-examples": most, "deterministic": True, "database": "none"},
        "checks": {"enabled": True},
        "phases": {
            **{phase: {"enabled": phase in phases} for phase in EVERYTHING},
            "stateful": {"enabled": "stateful" in phases, "max-steps": 4, "generation": {"max-examples": most}},
        },
        "operations": [
            {
                "include-operation-id": [
                    "runs_create",
                    "missing_services_resolve_create",
                    "accumulators_search_create",
                    *BOOKING,
                ],
                "checks": JUDGED_LATER,
            }
        ],
        "parameters": {"query.region": region},
    }


@pytest.fixture
def full_region(north: Region, no_files: None) -> Region:
    """A region with something behind every address."""
    for status in ("complete", "failed", "stopped"):
        run = make_run(north, status=status)
        Failure.objects.create(
            run=run, step="recover", reference="A-1", category="validation", reason="x", phase="write"
        )
    for status in ("open", "found", "dismissed", "closed"):
        make_missing(north, status=status)
    make_claims(north)
    make_billing(north)
    make_booking(north)
    a_video(north)
    a_video(north, state="uploading", kind="", offset=0)
    return north


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phases", "most"), [(("examples", "fuzzing"), 3), pytest.param(EVERYTHING, 15, marks=pytest.mark.slow)]
)
def test_schemathesis_finds_nothing(
    phases: tuple[str, ...],
    most: int,
    full_region: Region,
    api: TokenClient,
    live_server: Any,
    queue: Redis,
    settings: Any,
) -> None:
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import events, from_schema

    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": None}}
    schemathesis.serializer.alias(OCTETS, "application/octet-stream")
    schema = schemathesis.openapi.from_url(
        f"{live_server.url}/api/v1/schema/",
        config=SchemathesisConfig.from_dict(config(api.text, full_region.name, phases, most)),
        headers={"Authorization": f"Bearer {api.text}"},
    )

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        """Most starts are of a region that there is: of any other they are 404 before anything else is looked at."""
        if (
            isinstance(body, dict)
            and isinstance(body.get("region"), str)
            and len(body["region"]) % 4
            and len(body["region"]) <= LONGEST
        ):
            return {**body, "region": full_region.name}
        return body

    found: list[str] = []
    tested: Counter[str] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tested[event.phase.value] += len(event.recorder.interactions)
            found.extend(failures_of(event.recorder))
        elif isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            found.append(str(event.exception))
    assert not found, "\n\n".join(found)
    assert set(tested) >= set(phases)
    assert tested.total() > 5 * most


def failures_of(recorder: Any) -> Iterator[str]:
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                yield f"{check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"[:1500]
