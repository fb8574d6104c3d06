"""Numbers to which messages come back: a row for the region's operators, and no more messages until it is closed."""

from contextlib import suppress

from backoffice.runs.faults import Misuse
from backoffice.runs.models import Resolution
from regions.models import Region
from regions.sync.marks import digest_of
from regions.sync.models import UndeliverablePhone
from regions.sync.undeliverable import report

Reason = UndeliverablePhone.Reason
# Twilio's codes ("Error and Warning Dictionary") that speak against the number.
REASONS = {
    "21211": Reason.NO_SUCH_NUMBER,  # no valid number
    "21217": Reason.NO_SUCH_NUMBER,
    "21604": Reason.NO_SUCH_NUMBER,
    "21612": Reason.UNREACHABLE,  # no way to it
    "21614": Reason.LANDLINE,  # not a mobile number
    "30003": Reason.UNREACHABLE,  # handset switched off or out of reach
    "30004": Reason.REFUSED,  # blocked by the person or the carrier
    "30005": Reason.NO_SUCH_NUMBER,  # unknown handset
    "30006": Reason.LANDLINE,  # or a carrier that takes none
}
# A handset may be switched on again, and another message may pass: these are reported, and do not end messages.
PASSING = (Reason.UNREACHABLE, Reason.REFUSED)


def note(region: Region, number: str, code: str) -> None:
    """Open the number's row, where the code speaks against the number."""
    if reason := REASONS.get(code):
        with suppress(Misuse):  # what is no phone number at all has no row to be found by
            report(region, number, reason)


def comes_back(region: Region, number: str) -> bool:
    """Whether it is known that nothing arrives there."""
    rows = UndeliverablePhone.objects.filter(region=region, digest=digest_of(number), resolution=Resolution.OPEN)
    return rows.exclude(reason__in=PASSING).exists()
