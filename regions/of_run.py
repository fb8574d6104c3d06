"""The region that a run is of."""

from backoffice.runs.faults import ConfigError
from backoffice.runs.models import StepPart
from regions.models import Region


def region_of(part: StepPart) -> Region:
    """The job's parameters have seen to it that there is one; ConfigError else."""
    region: Region | None = part.run.region
    if region is None:
        raise ConfigError("This job needs a region: name one and start it anew.")
    return region
