"""The advice on a commit frequency in words for people, and as plain JSON for programs."""

from backoffice.formats import count, duration
from backoffice.runs.job import Json
from claims.advice import Advice, Measured, Option


def in_words(step: str, advice: Advice) -> str:
    """A step in a few lines, for the command."""
    lines = [f"  {step}, {count(advice.present, 'line')} a checkpoint", f"    {basis(advice.measured)}"]
    for each in advice.options:
        mark = "now" if each.frequency == advice.present else "best" if advice.change and each == advice.best else ""
        lines.append(
            f"    {each.frequency:>9,} {mark:<4} {count(each.commits, 'commit')} {seconds(each.overhead)},"
            f" restart {seconds(each.restart)}, together {seconds(each.together)}"
        )
    if advice.options:
        lines.append(f"    {reason(advice)}")
    return "\n".join(lines)


def basis(measured: Measured | None) -> str:
    """What the advice stands on, and what it lacks."""
    if measured is None:
        return "Nothing is measured yet: it takes a complete night."
    if measured.per_checkpoint is None:
        return "What a checkpoint costs is not measured yet: it takes another night, with several checkpoints a part."
    said = f"In {count(measured.nights, 'night')}: {seconds(measured.per_checkpoint)} a checkpoint"
    if measured.alone:
        said += " in its commit, the most that fewer of them save"
    rate = f"; {1 / measured.per_line:,.0f} lines/s besides" if measured.per_line else ""
    return f"{said}{rate}{_restores(measured)}."


def _restores(measured: Measured) -> str:
    if measured.step != "adjudicate":
        return ""
    if measured.restore_per_line is None:
        return "; no restart has put accumulators back yet, so its time is not in here"
    return f"; accumulators were put back {count(measured.restores, 'time')}"


def reason(advice: Advice) -> str:
    """The recommendation; only of advice that has options."""
    now, best = _present(advice), advice.best or _present(advice)
    if not advice.change:
        return f"Leave it at {now.frequency:,}: no other frequency makes a night that restarts noticeably shorter."
    gained = (
        f"a night that restarts is {seconds(now.together - best.together)} shorter. "
        f"The restart takes {seconds(best.restart)} at the most in place of {seconds(now.restart)}"
    )
    more = best.overhead - now.overhead
    cost = f"the commits {seconds(abs(more))} {'more' if more >= 0 else 'less'} every night"
    return f"Better {best.frequency:,}: {gained}, {cost} ({count(best.commits, 'commit')} in place of {now.commits:,})."


def _present(advice: Advice) -> Option:
    return next(each for each in advice.options if each.frequency == advice.present)


def seconds(value: float) -> str:
    """As durations are, but for the small ones: 12 ms, 3.4 s."""
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.0005 or not value else "under 1 ms"
    return f"{value:.1f} s" if value < 10 else duration(value)


def as_json(step: str, advice: Advice) -> Json:
    return {
        "step": step,
        "commit_frequency": advice.present,
        "measured_nights": advice.measured.nights if advice.measured else 0,
        "options": [
            {
                "commit_frequency": each.frequency, "commits": each.commits,
                "overhead_seconds": round(each.overhead, 3), "restart_seconds": round(each.restart, 3),
                "best": each == advice.best,
            }
            for each in advice.options
        ],
        "reason": reason(advice) if advice.options else basis(advice.measured),
    }  # fmt: skip
