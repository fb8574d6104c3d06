"""What may be wrong with claims, for backoffice.runs.alerts: what is not uploaded or answered in time, other totals
than were sent, parked payments, and files that cannot be read."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Sum

from backoffice.formats import count, money
from backoffice.runs.alerts import Wrong
from billing.clock import UPLOAD, WITHOUT_835, Late, all_late
from billing.models import BatchSet, Claim, Document, Payment
from billing.settling import ZIPS_IN_PART
from regions.models import Region


def unanswered() -> Iterator[Wrong]:
    """One for each region and kind of answer."""
    for each in all_late():
        yield Wrong(kind="answers", key=f"{each.region.name}/{each.answer}", message=_message(each), region=each.region)


def _message(late: Late) -> str:
    of_batches = late.answer in (UPLOAD, "999")
    what = count(late.items, "batch", "batches") if of_batches else count(late.items, "claim")
    is_one = late.items == 1
    lacks = f"{'has' if is_one else 'have'} no {late.answer}"
    if late.answer == UPLOAD:
        lacks = f"{'is' if is_one else 'are'} not uploaded"
    return f"{late.region.display_name}: {what} of {money(late.charge)} {lacks} after {_in_words(late.limit)}."


def _in_words(limit: timedelta) -> str:
    hours = round(limit.total_seconds() / 3600)
    return count(hours // 24, "day") if hours >= 48 else count(hours, "hour")


def parked() -> Iterator[Wrong]:
    """Payments that were not posted and that nobody has settled."""
    waiting = Payment.objects.filter(state=Payment.State.PARKED).order_by().values("region")
    sums = {row["region"]: (row["n"], row["dollars"]) for row in waiting.annotate(n=Count("pk"), dollars=Sum("total"))}
    for region in Region.objects.filter(pk__in=sums).order_by("pk"):
        number, dollars = sums[region.pk]
        payments = f"{count(number, 'payment')} of {money(dollars)} {'is' if number == 1 else 'are'} parked"
        message = f"{region.display_name}: {payments}; nothing of it was posted."
        yield Wrong(kind="payments", key=region.name, message=message, region=region)


def other_totals() -> Iterator[Wrong]:
    """Sets of which the clearinghouse's 277CA counts other claims or dollars than were sent, while claims of theirs
    wait for an answer."""
    waiting = Claim.objects.filter(batch_set=OuterRef("pk"), state__in=WITHOUT_835)
    sets = BatchSet.objects.filter(Exists(waiting), differs=True).order_by().values("batch__region")
    found = {row["batch__region"]: row["n"] for row in sets.annotate(n=Count("pk"))}
    for region in Region.objects.filter(pk__in=found).order_by("pk"):
        number = found[region.pk]
        whose = f"{count(number, 'set')} of claims {'has' if number == 1 else 'have'}"
        message = f"{region.display_name}: {whose} other totals in the 277CA than were sent: see the batch's page."
        yield Wrong(kind="totals", key=region.name, message=message, region=region)


def unmatched() -> Iterator[Wrong]:
    """Payments that name no claim of the region. Without dollars: another region of the mailbox may count them."""
    waiting = Payment.objects.filter(state=Payment.State.UNMATCHED).order_by().values("region")
    payments = {row["region"]: row["n"] for row in waiting.annotate(n=Count("pk"))}
    for region in Region.objects.filter(pk__in=payments).order_by("pk"):
        number = payments[region.pk]
        name = "names" if number == 1 else "name"
        message = (
            f"{region.display_name}: {count(number, 'payment')} {name} no claim of this region; nothing is posted."
        )
        yield Wrong(kind="unmatched payments", key=region.name, message=message, region=region)


def unreadable() -> Iterator[Wrong]:
    """Files that nobody has settled: an answer may be in one, and nothing of it is known."""
    waiting = Document.objects.filter(state=Document.State.UNREADABLE).order_by().values("region")
    files = {row["region"]: row["n"] for row in waiting.annotate(n=Count("pk"))}
    for region in Region.objects.filter(pk__in=files).order_by("pk"):
        number = files[region.pk]
        of_it = "of it" if number == 1 else "of them"
        message = f"{region.display_name}: {count(number, 'file')} cannot be read; nothing {of_it} is known."
        yield Wrong(kind="files", key=region.name, message=message, region=region)
    yield from _zips_in_part()


def _zips_in_part() -> Iterator[Wrong]:
    """The same of a file in a ZIP of which others were taken."""
    waiting = Document.objects.filter(ZIPS_IN_PART).order_by().values("region")
    files = {row["region"]: row["n"] for row in waiting.annotate(n=Count("pk"))}
    for region in Region.objects.filter(pk__in=files).order_by("pk"):
        number = files[region.pk]
        message = f"{region.display_name}: {count(number, 'ZIP')} {'holds' if number == 1 else 'hold'} files not taken."
        yield Wrong(kind="files", key=f"{region.name}/ZIP", message=message, region=region)
