"""/livez and /readyz: whether this process answers, and whether it can serve. Neither says where anything is.

They come before everything else: an orchestrator asks by plain HTTP, under the address of a container.
"""

import os
import shutil
from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from redis.exceptions import RedisError

from backoffice.queue_server import connect

OK, UNREACHABLE, MISSING, FULL, READ_ONLY = "ok", "unreachable", "not applied", "too little space", "not writable"

# Databases whose migrations this process has seen applied: that does not end while the process lives.
_migrated: set[str] = set()


def livez(request: HttpRequest) -> HttpResponse:
    """200 as long as the process takes requests; it looks at nothing else."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 where each check is "ok", else 503; the body names each with one of the words above. Those that are named by
    `exclude` are left out, as Kubernetes' own servers do it; 400 for one that there is not."""
    excluded = request.GET.getlist("exclude")
    if unknown := sorted(set(excluded) - set(CHECKS)):
        return JsonResponse({"status": "no such check", "checks": dict.fromkeys(unknown, "unknown")}, status=400)
    checks = {name: check() for name, check in CHECKS.items() if name not in excluded}
    ready = all(word == OK for word in checks.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503)


def database() -> str:
    """The database answers."""
    return _answers(DEFAULT_DB_ALIAS)


def accumulators() -> str:
    """The accumulators' database answers, where they have one of their own; only nights need it."""
    alias = settings.ACCUMULATORS_DATABASE
    return OK if alias == DEFAULT_DB_ALIAS else _answers(alias)


def _answers(alias: str) -> str:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        connections[alias].close()
        return UNREACHABLE
    return OK


def queue() -> str:
    """The queue's server answers within two seconds."""
    try:
        with connect() as client:
            client.ping()
    except RedisError:
        return UNREACHABLE
    return OK


def migrations() -> str:
    """No migration of this code waits; newer ones, of the next release, are none of its business. Of the accumulators'
    database, only where it answers: their own check says that it does not."""
    try:
        for each in connections.all():
            if each.alias in _migrated or (each.alias != DEFAULT_DB_ALIAS and accumulators() != OK):
                continue
            executor = MigrationExecutor(each)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return MISSING
            _migrated.add(each.alias)
    except (DatabaseError, InterfaceError, MigrationSchemaMissing):
        return UNREACHABLE
    return OK


def disk() -> str:
    """NIGHTWARD_HOME can be written and has READY_FREE_MB left."""
    try:
        free = shutil.disk_usage(settings.NIGHTWARD_HOME).free
    except OSError:
        return UNREACHABLE
    if not os.access(settings.NIGHTWARD_HOME, os.W_OK):
        return READ_ONLY
    return OK if free >= settings.READY_FREE_MB * 1_000_000 else FULL


CHECKS: Mapping[str, Callable[[], str]] = {
    "database": database, "accumulators": accumulators, "queue": queue, "migrations": migrations, "disk": disk,
}  # fmt: skip
# What a web process serves without: bookings go on while one of these is away, and the alerts tell of it.
DISPENSABLE = ("accumulators", "queue", "disk")
PROBES: Mapping[str, Callable[[HttpRequest], HttpResponse]] = {"/livez": livez, "/readyz": readyz}


class ProbesMiddleware:
    """Answers the probes, first of all middleware: no session, no host's name, no redirect to https."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(("GET", "HEAD"))
        answer = probe(request)
        answer["Cache-Control"] = "no-store"
        return answer
