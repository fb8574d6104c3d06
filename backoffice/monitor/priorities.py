"""The five priorities and the lag of traces (S4-19, S4-18), for one person: state, number, since when, what to do.
Figures of a region are of the person's regions; the API, the events and the traces are of all.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import Count, Min, Q
from django.utils import timezone
from redis.exceptions import RedisError

from backoffice.formats import count, duration
from backoffice.monitor import limits
from backoffice.monitor.business import ended_lately, last_message, overdue_notices
from backoffice.monitor.counted import Counted
from backoffice.runs.alerts import Wrong, as_before
from clinic.booking.outside.laboratory import LIS_SAMPLE_STATUS
from clinic.events.inbound.models import Channel, Unmatched
from clinic.events.models import DeadLetter
from clinic.events.standing import Standing, standings
from clinic.notices.models import State as NoticeState
from regions.models import Region


class State(Enum):
    FINE = "fine"
    LOOK = "look"
    ACT = "act"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the page. `number` is in `unit`, % or s, None where there is none. `url_name`: where to go on in the
    admin; `anchor`: the section of docs/operations.md."""

    title: str
    where: str
    state: State
    anchor: str
    number: float | None = None
    unit: str = ""
    said: str = ""
    since: datetime | None = None
    region: Region | None = None
    what: str = ""
    url_name: str = ""

    @property
    def figure(self) -> str:
        """87 %, 0.25 s, 37 min 3 s; empty without a number."""
        if self.number is None:
            return ""
        if self.unit == "%":
            return f"{self.number:.0f}\N{NO-BREAK SPACE}%"
        return f"{self.number:.2g}\N{NO-BREAK SPACE}s" if 0 < self.number < 10 else duration(self.number)


def priorities(regions: Sequence[Region], everywhere: bool) -> list[Row]:
    """All rows, in the order of the contract; of these regions, `everywhere`: of those that are gone as well."""
    try:
        counted = Counted.read()
    except RedisError:
        counted = None
    ids = None if everywhere else [region.pk for region in regions]
    return [
        api(counted),
        *(bookings(region, counted) for region in regions),
        *(notifications(region) for region in regions),
        *laboratories(regions),
        *(consumer(each) for each in standings(ids) if each.consumer.on),
        traces(counted),
    ]


def failing() -> Iterator[Wrong]:
    """For backoffice.runs.alerts: those of which nothing else there tells."""
    try:
        counted = Counted.read()
    except RedisError:  # which has an alert of its own
        yield from as_before("priority")
        return
    of_regions = ((bookings(region, counted), State.ACT) for region in Region.objects.all())
    for row, least in ((api(counted), State.ACT), *of_regions, (traces(counted), State.LOOK)):
        if row.state in (State.ACT, least):
            figure = f" {row.figure}." if row.figure else ""
            yield Wrong(
                kind="priority", key=f"{row.anchor}/{row.region.name if row.region else 'all'}", region=row.region,
                message=f"{row.title}, {row.where}:{figure} {row.said} {row.what}",
            )  # fmt: skip


def api(counted: Counted | None) -> Row:
    """Of all web processes: the duration that 95 of 100 answers do not exceed, and the share of 5xx."""
    title, where, anchor = "API response time", "all web processes", "api-response-time"
    if counted is None:
        return _unknown(title, where, anchor)
    seconds, fails, requests = counted.api()
    if seconds is None:
        said = f"No request within {limits.WINDOW_MINUTES} minutes."
        return Row(title=title, where=where, anchor=anchor, state=State.FINE, said=said)
    many = fails > limits.API_FAILS
    state = _worst(
        State.ACT if many or seconds > limits.API_ACT else State.FINE,
        State.LOOK if seconds > limits.API_LOOK else State.FINE,
    )
    return Row(
        title=title, where=where, anchor=anchor, state=state, number=seconds, unit="s",
        said=f"95 of 100 answers take no longer; {fails * 100:.1f} % of {count(requests, 'answer')} are 5xx.",
        since=counted.api_since() if state is not State.FINE else None,
        what="" if state is State.FINE else "See which route it is, and what the database and the processors do.",
    )  # fmt: skip


def bookings(region: Region, counted: Counted | None) -> Row:
    """The share of the last hour's attempts that led to an appointment; a fault of the program is to be acted on."""
    title, anchor = "Booking success", "booking-success"
    if counted is None:
        return _unknown(title, region.display_name, anchor, region)
    booked, refused, failed, since = counted.bookings(region.name)
    attempts = booked + refused + failed
    if not attempts:
        said = "No attempt within the hour."
        return Row(title=title, where=region.display_name, anchor=anchor, state=State.FINE, said=said, region=region)
    share, state, what = booked / attempts, State.FINE, ""
    if since is not None:
        state, what = State.ACT, "The program failed at it: the logs of the web processes have the place, by trace."
    elif attempts >= limits.JUDGED and share < limits.BOOKED_LOOK:
        state, what = State.LOOK, "Many are refused: see whether hours and resources are as they should be."
    return Row(
        title=title, where=region.display_name, anchor=anchor, state=state, number=share * 100, unit="%", region=region,
        said=f"Of {count(attempts, 'attempt')}: {booked} booked, {refused} refused, {failed} failed.", since=since,
        what=what, url_name="admin:booking_resource_changelist" if state is State.LOOK else "",
    )  # fmt: skip


def notifications(region: Region) -> Row:
    """The share of the last hour's messages that their vendor has taken; what is overdue is to be acted on."""
    title, anchor = "Notification delivery", "notification-delivery"
    overdue = overdue_notices().filter(region=region).aggregate(number=Count("pk"), first=Min("try_at"))
    bad = Q(state__in=(NoticeState.FAILED, NoticeState.MAYBE_SENT))
    lately = ended_lately().filter(region=region).order_by()
    ended = lately.aggregate(number=Count("pk"), bad=Count("pk", filter=bad), first=Min("changed_at", filter=bad))
    share = 1 - ended["bad"] / ended["number"] if ended["number"] else None
    state, what, since = State.FINE, "", None
    if overdue["number"]:
        state, since = State.ACT, overdue["first"]
        what = f"{count(overdue['number'], 'message')} should have gone out: see send_notifications and the workers."
    elif share is not None and ended["number"] >= limits.JUDGED and share < limits.DELIVERED_LOOK:
        state, since, what = State.LOOK, ended["first"], "The ledger has the vendor's codes."
    said = (
        f"Of {count(ended['number'], 'message')} within the hour." if ended["number"] else "No message within the hour."
    )
    return Row(
        title=title, where=region.display_name, anchor=anchor, state=state, region=region, said=said, since=since,
        number=None if share is None else share * 100, unit="%", what=what,
        url_name="admin:notices_notice_changelist" if what else "",
    )  # fmt: skip


def laboratories(regions: Sequence[Region]) -> Iterator[Row]:
    """Of each region that a laboratory has ever written to: hours since its last message, and what is stuck."""
    for region in regions:
        last = last_message(region, Channel.LIS)
        if last is not None:
            yield _laboratory(region, last)


def _laboratory(region: Region, last: datetime) -> Row:
    dead = DeadLetter.objects.filter(region=region, consumer=LIS_SAMPLE_STATUS.name, state=DeadLetter.State.DEAD)
    stuck = dead.aggregate(number=Count("pk"), first=Min("failed_at"))
    waiting = Unmatched.objects.filter(region=region, channel=Channel.LIS, state=Unmatched.State.OPEN)
    open_ = waiting.aggregate(number=Count("pk"), first=Min("created_at"))
    state, since, what, url_name = State.FINE, None, "", ""
    if stuck["number"]:
        state, since, url_name = State.ACT, stuck["first"], "admin:events_deadletter_changelist"
        what = f"{count(stuck['number'], 'message')} failed too often: correct the cause, then replay."
    elif open_["number"]:
        state, since, url_name = State.LOOK, open_["first"], "admin:events_unmatched_changelist"
        what = f"{count(open_['number'], 'message')} belong{'s' if open_['number'] == 1 else ''} to nothing known here."
    elif timezone.now() - last > limits.LABORATORY_SILENT:
        state, since, what = State.LOOK, last, "Ask whether it sends: its line, our listener, the webhook's secret."
    return Row(
        title="LIS integration", where=region.display_name, anchor="laboratory", state=state, region=region,
        number=(timezone.now() - last).total_seconds(), unit="s", said="Since its last message.", since=since,
        what=what, url_name=url_name,
    )  # fmt: skip


def consumer(each: Standing) -> Row:
    """Seconds that the oldest event of the person's regions has waited."""
    age = timezone.now() - each.oldest if each.oldest else timedelta()
    state = State.ACT if age > limits.EVENT_ACT else State.LOOK if age > limits.EVENT_LOOK else State.FINE
    what = "Its oldest event waits: see whether a replica runs, and what it logs." if state is not State.FINE else ""
    wanted, alive = each.consumer.replicas, each.alive
    if not what and alive is not None and alive < wanted:
        state, what = State.LOOK, f"Start the replicas that do not run: {wanted - alive} of {wanted}."
    replicas = "replicas not known" if alive is None else f"{alive} of {count(wanted, 'replica')}"
    return Row(
        title="Consumer lag", where=each.consumer.title, anchor="consumer-lag", state=state, number=age.total_seconds(),
        unit="s", said=f"{count(each.lag, 'event')}, {replicas}.", since=each.oldest if what else None, what=what,
        url_name="admin:events_consumers" if what else "",
    )  # fmt: skip


def traces(counted: Counted | None) -> Row:
    """Seconds from the end of a span to the collector."""
    title, where, anchor = "Trace lag", "the collector", "trace-lag"
    if counted is None:
        return _unknown(title, where, anchor)
    lag, failed, since = counted.traces()
    if failed:
        said, what = (
            f"{count(failed, 'span')} not taken within 15 minutes.",
            "See whether the collector runs, and where it is.",
        )
        return Row(
            title=title, where=where, anchor=anchor, state=State.LOOK, number=lag, unit="s", said=said, since=since,
            what=what,
        )  # fmt: skip
    if lag is None:
        return Row(
            title=title, where=where, anchor=anchor, state=State.FINE, said="Traces are off, or none was made yet."
        )
    late = lag > limits.TRACE_LOOK.total_seconds()
    return Row(
        title=title, where=where, anchor=anchor, state=State.LOOK if late else State.FINE, number=lag, unit="s",
        said="Of the last spans that were taken.", since=since if late else None,
        what="The collector is slow: start a second one, or sample less." if late else "",
    )  # fmt: skip


def _unknown(title: str, where: str, anchor: str, region: Region | None = None) -> Row:
    return Row(
        title=title, where=where, anchor=anchor, state=State.ACT, region=region,
        said="Not known: the queue's server does not answer.", what="Start it, or correct REDIS_URL.",
    )  # fmt: skip


def _worst(*states: State) -> State:
    order = list(State)
    return max(states, key=order.index)


def by_state(rows: Collection[Row]) -> dict[State, int]:
    """How many rows are in each state."""
    return {state: sum(row.state is state for row in rows) for state in State}
