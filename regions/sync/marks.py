"""The numbers of a region to which messages come back, as a sync knows them again."""

from contextlib import suppress

from django.utils.crypto import salted_hmac

from backoffice.keyring import SecretUnreadable
from backoffice.runs.models import Resolution
from regions.models import Region
from regions.sync.models import UndeliverablePhone

RULE = "undeliverable"


def digest_of(number: str) -> str:
    """What a number is found by: keyed, since there are few enough numbers to try them all."""
    return salted_hmac("regions.undeliverable", number, algorithm="sha256").hexdigest()


def marked(region: Region) -> dict[str, list[int]]:
    """{digest of each open number of the region: its rows}, made anew from the numbers: a new SECRET_KEY loses none."""
    found: dict[str, list[int]] = {}
    rows = UndeliverablePhone.objects.filter(region=region, resolution=Resolution.OPEN)
    for row in rows.only("pk", "row_id", "phone").iterator():
        with suppress(SecretUnreadable):
            found.setdefault(digest_of(row.phone["number"]), []).append(row.pk)
    return found
