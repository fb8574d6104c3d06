"""The pages and buttons. Who may start any job sees what runs and restarts it; queues and logs are the engineers'."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe
from redis.exceptions import RedisError

from backoffice import presence
from backoffice.access import may, requires
from backoffice.formats import count
from backoffice.operations import orders, standing
from backoffice.runs.faults import Misuse

SEES, QUEUES = "start_any", "queues"
LINES = 200
Json = dict[str, Any]


@require_safe
@requires(SEES)
def processes(request: HttpRequest) -> HttpResponse:
    """What should run, what does, what it takes, and what happened last [S4-22] [S4-23]."""
    by, now = request.GET.get("by", "name"), datetime.now(UTC)
    try:
        found, left, answers = standing.seen(), presence.left(), True
    except RedisError:
        found, left, answers = [], {}, False
    lost = {one.key for one in presence.gone(found, now)}
    stands = standing.stands(found, now, left)
    above = {each.meant.name for each in stands}
    context = {
        "title": "Processes",
        "answers": answers,
        "stands": stands,
        "rows": [
            {
                "one": one,
                "here": one.here(now),
                "lost": one.key in lost,
                "mib": one.memory / 2**20,
                "load": one.load(),
                "apart": one.name not in above,
            }
            for one in standing.sorted_by(found, by)
            if one.here(now) or one.key in lost
        ],
        "sorts": (("name", "name"), ("memory", "memory"), ("cpu", "processors"), ("age", "age")),
        "by": by if by in standing.SORTS else "name",
        "events": standing.last_events(request.user),
        "may_queues": may(request.user, QUEUES),
    }
    return _page(request, "admin/operations/processes.html", context)


@require_POST
@requires(SEES)
def restart(request: HttpRequest) -> HttpResponse:
    """Of one kind; one that is off is refused."""
    name = request.POST.get("name", "")

    def act(user: User) -> str:
        if name not in _active():
            raise Misuse(f"No process {name[:40]!r} runs that could be restarted.")
        orders.restart([name], user)
        return f"{name} begins again as soon as what it has in hand is done."

    return _done(request, "processes", act)


@require_POST
@requires(SEES)
def restart_all(request: HttpRequest) -> HttpResponse:
    """All that is active, never what is off; asked first."""

    def ask() -> Json:
        if names := _active():
            return {"title": "Restart all that is active", "names": names}
        raise Misuse("No process runs that could be restarted.")

    def act(user: User) -> str:
        done = orders.restart(_active(), user)
        return f"{count(done, 'kind')} of process{'' if done == 1 else 'es'} begin again as they are done."

    return _asked(request, "processes", "admin/operations/confirm_restart.html", ask, act)


def _active() -> list[str]:
    try:
        return standing.active_names(standing.seen(), datetime.now(UTC))
    except RedisError:
        raise Misuse(orders.NO_QUEUE) from None


@require_POST
@requires(SEES)
def forget(request: HttpRequest) -> HttpResponse:
    def act(user: User) -> str:
        orders.forget(request.POST.get("key", ""), user)
        return "Taken off the list."

    return _done(request, "processes", act)


@require_safe
@requires(QUEUES)
def queues(request: HttpRequest) -> HttpResponse:
    """Depth, pauses, and the jobs that failed."""
    try:
        context: Json = {"queues": standing.queue_stands(), "failed": standing.failed_jobs(), "answers": True}
    except RedisError:
        context = {"queues": [], "failed": [], "answers": False}
    context["in_hand"] = sum(each.in_hand for each in context["queues"])
    context["paused"] = sum(each.paused is not None for each in context["queues"])
    return _page(request, "admin/operations/queues.html", {"title": "Queues", **context})


@require_POST
@requires(QUEUES)
def pause(request: HttpRequest) -> HttpResponse:
    def act(user: User) -> str:
        done = orders.pause(request.POST.getlist("name"), user, request.POST.get("reason", ""))
        return f"{count(done, 'queue')} paused; what is in hand is worked to its end."

    return _done(request, "queues", act)


@require_POST
@requires(QUEUES)
def drain(request: HttpRequest) -> HttpResponse:
    """Pause every queue; asked first."""

    def ask() -> Json:
        stands = _stands()
        if all(each.paused for each in stands):
            raise Misuse("Every queue is paused already.")
        totals = {"waiting": sum(each.waiting for each in stands), "in_hand": sum(each.in_hand for each in stands)}
        return {"title": "Drain", "queues": stands, **totals}

    def act(user: User) -> str:
        done = orders.pause([each.name for each in _stands()], user, "drained")
        return f"{count(done, 'queue')} paused; what is in hand is worked to its end."

    return _asked(request, "queues", "admin/operations/confirm_drain.html", ask, act)


def _stands() -> list[standing.QueueStand]:
    try:
        return standing.queue_stands()
    except RedisError:
        raise Misuse(orders.NO_QUEUE) from None


@require_POST
@requires(QUEUES)
def resume(request: HttpRequest) -> HttpResponse:
    def act(user: User) -> str:
        return f"{count(orders.resume(request.POST.getlist('name'), user), 'queue')} resumed."

    return _done(request, "queues", act)


@require_POST
@requires(QUEUES)
def again(request: HttpRequest) -> HttpResponse:
    """A failed job once more."""

    def act(user: User) -> str:
        orders.requeue(request.POST.get("queue", ""), request.POST.get("job", ""), user)
        return "The job waits in its queue again."

    return _done(request, "queues", act)


@require_safe
@requires(QUEUES)
def logs(request: HttpRequest) -> HttpResponse:
    """What processes and commands logged last, by name."""
    name = request.GET.get("of", "")
    try:
        names = presence.logged()
        lines = presence.last_lines(name, LINES) if name in names else []
    except RedisError:
        names, lines = None, []
    context = {"title": "Logs", "names": names, "name": name, "lines": [_line(one) for one in lines]}
    return _page(request, "admin/operations/logs.html", context)


def _line(line: Json) -> Json:
    rest = {name: value for name, value in line.items() if name not in ("timestamp", "level", "event", "exception")}
    at = datetime.fromisoformat(line["timestamp"]) if line.get("timestamp") else None
    more = " ".join(f"{name}={value}" for name, value in rest.items())
    return {"at": at, "level": line.get("level", ""), "event": line.get("event", ""), "more": more,
            "exception": line.get("exception", "")}  # fmt: skip


def _page(request: HttpRequest, template: str, context: Json) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})


def _asked(
    request: HttpRequest, then: str, template: str, ask: Callable[[], Json], act: Callable[[User], str]
) -> HttpResponse:
    """A question with its context until it is answered by "sure" or "back"."""
    if "sure" in request.POST:
        return _done(request, then, act)
    try:
        return redirect(then) if "back" in request.POST else _page(request, template, ask())
    except Misuse as error:
        messages.error(request, str(error))
        return redirect(then)


def _done(request: HttpRequest, then: str, act: Callable[[User], str]) -> HttpResponseRedirect:
    try:
        messages.success(request, act(cast(User, request.user)))
    except Misuse as error:
        messages.error(request, str(error))
    return redirect(then)
