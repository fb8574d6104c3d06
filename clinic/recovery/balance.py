"""A run balances when what it counted is what its rows say; also what a run undoes when it begins again."""

from collections import Counter, defaultdict
from decimal import Decimal

from backoffice.runs.faults import OutOfBalance
from backoffice.runs.models import Failure, StepPart
from clinic.models import RecoveryWindow, ServiceWrite, WriteState
from clinic.recovery import verdict
from clinic.recovery.scope import Recovery
from clinic.worklist import renew_priorities, reopen_expired

COUNTED = (WriteState.WRITTEN, WriteState.PREVIEWED)


def verify(recovery: Recovery) -> None:
    """scanned = Σ outcomes, per window and per run; services, money and failures are what the rows add up to.

    Raises OutOfBalance with the number that is off. Then the region's worklist is brought up to today.
    """
    part = recovery.part
    scanned, outcomes, services, value = _windows_balance(recovery)
    _equal("scanned", part.read, scanned, "in the windows")
    for outcome in verdict.OUTCOMES:
        _equal(outcome, part.outcomes.get(outcome, 0), outcomes[outcome], "in the windows")
    _equal("services", part.totals.get("services", 0), services, "in the windows")
    _equal("value", Decimal(part.totals.get("value", 0)), value, "in the windows")
    failures = Failure.objects.filter(run__chain=recovery.chain).count()
    short = sum(part.outcomes.get(outcome, 0) for outcome in verdict.SHORT)
    _equal("failed and partially recovered", short, failures, "failure rows")
    reopen_expired(recovery.region)
    renew_priorities(recovery.region)


def reset(part: StepPart) -> None:
    """Begin the chain's figures again. What was billed stays billed: those writes are in no run's figures any more."""
    chain = part.step.chain
    writes = ServiceWrite.objects.filter(run__chain=chain)
    writes.filter(state=WriteState.PREVIEWED).delete()
    writes.filter(state=WriteState.WRITTEN).update(late=True)
    writes.update(settled=False)
    RecoveryWindow.objects.filter(chain=chain).delete()
    Failure.objects.filter(run__chain=chain).delete()


def _windows_balance(recovery: Recovery) -> tuple[int, Counter[str], int, Decimal]:
    """The sums over all windows, each of which balances in itself and with its writes."""
    written = _written(recovery)
    scanned, services, value = 0, 0, Decimal(0)
    outcomes: Counter[str] = Counter()
    for row in RecoveryWindow.objects.filter(chain=recovery.chain).iterator():
        name = f"of window {row.number + 1}"
        _equal(f"scanned {name}", row.scanned, sum(row.outcomes.values()), "outcomes")
        if not row.complete:
            raise OutOfBalance(f"Window {row.number + 1} was not read to its end.")
        rows_services, rows_value = written.pop(row.number, (0, Decimal(0)))
        _equal(f"services {name}", row.services, rows_services, "in the writes")
        _equal(f"value {name}", row.value, rows_value, "in the writes")
        scanned, services, value = scanned + row.scanned, services + row.services, value + row.value
        outcomes.update(row.outcomes)
    if written:
        raise OutOfBalance(f"Writes of window {min(written) + 1} are in no window's figures.")
    return scanned, outcomes, services, value


def _written(recovery: Recovery) -> dict[int, tuple[int, Decimal]]:
    """Services and money per window, added up here: the database's own sum would be a float on SQLite."""
    sums: dict[int, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    rows = ServiceWrite.objects.filter(run__chain=recovery.chain, state__in=COUNTED, late=False)
    for window, count, value in rows.order_by().values_list("window", "service_count", "value").iterator():
        services, money = sums[window]
        sums[window] = (services + count, money + value)
    return dict(sums)


def _equal(name: str, counted: int | Decimal, found: int | Decimal, where: str) -> None:
    if counted != found:
        raise OutOfBalance(f"{name}: {counted} counted, {found} {where}.")
