"""What lives for one part of a check: the region, its account with pVerify, and why no more can be asked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings

from backoffice.adapters.eligibility import (
    PVERIFY,
    Checked,
    Eligibility,
    EligibilityRefused,
    NoFunds,
    NotAsked,
)
from backoffice.runs.faults import ConfigError
from backoffice.runs.models import Run, StepPart
from clinic.care.eligibility.spend import month_of
from regions.connections import eligibility_values
from regions.models import Region
from regions.of_run import region_of

NO_FUNDS = "pVerify says that the account has no funds: pay it, then start the check again."
REFUSED = "pVerify refuses the account ({code}): correct PVERIFY_CLIENT_ID and PVERIFY_CLIENT_SECRET of the region."


@dataclass(kw_only=True)
class Check:
    """Opened for one part; `month` is that of the moment at which it was opened, also past midnight."""

    run: Run
    region: Region
    month: date
    client: Eligibility
    only: list[int] = field(default_factory=list)
    ends: str = ""

    @property
    def concurrency(self) -> int:
        return self.region.concurrency_per_run

    def note(self, checked: Checked) -> None:
        """Whether it says that no other call will go through either."""
        if isinstance(checked, NoFunds):
            self.ends = NO_FUNDS
        elif isinstance(checked, NotAsked) and checked.permanent:
            self.ends = REFUSED.format(code=checked.code)

    def go_on(self) -> None:
        """ConfigError where an answer has said that nothing more can be asked; what came before it is committed."""
        if self.ends:
            raise ConfigError(self.ends)


@contextmanager
def open_check(part: StepPart) -> Iterator[Check]:
    """ConfigError says what the region lacks."""
    region = region_of(part)
    values = eligibility_values(region)
    try:
        client = Eligibility(
            values["PVERIFY_CLIENT_ID"],
            values["PVERIFY_CLIENT_SECRET"],
            base_url=values.get("PVERIFY_URL") or PVERIFY,
            timeout=settings.PVERIFY_TIMEOUT_SECONDS,
            connections=region.concurrency_per_run,
        )
    except EligibilityRefused as refused:
        raise ConfigError(str(refused)) from None
    only = list(part.run.parameters.get("only", []))
    with closing(client):
        yield Check(run=part.run, region=region, month=month_of(region), client=client, only=only)
