"""The audit log: who saw and who changed what. Its rows are django-auditlog's; the database refuses to change them.

Changes of a registered model (settings.AUDITLOG_INCLUDE_TRACKING_MODELS) are recorded by themselves when an instance
is saved or deleted. Views, exports, and what QuerySet.update or bulk_create change are recorded by the functions here.
A job acts in somebody's name inside `auditlog.context.set_actor(user)`.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from auditlog.context import auditlog_value
from auditlog.middleware import AuditlogMiddleware
from auditlog.models import LogEntry
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

from backoffice.formats import count
from backoffice.proxy import is_one_of

# How many row ids one entry of a list or an export names; of more it says the number.
ROWS_NAMED = 1000


def record_view(instance: Model, **details: Any) -> None:
    """`instance` was shown. Details are ids, counts and words of ours, never data of a patient."""
    LogEntry.objects.log_create(
        instance, force_log=True, action=LogEntry.Action.ACCESS, additional_data={**details, **of_region(instance)}
    )


def record_views(model: type[Model], rows: Iterable[int], **details: Any) -> None:
    """Rows of one model were shown together, in a list or an export: an entry for each of their regions."""
    for region, ids in _by_region(model, list(rows)).items():
        LogEntry.objects.create(
            content_type=ContentType.objects.get_for_model(model),
            object_pk="",
            object_repr=count(len(ids), str(model._meta.verbose_name), str(model._meta.verbose_name_plural)),
            action=LogEntry.Action.ACCESS,
            additional_data={**details, "region": region, "count": len(ids), "rows": ids[:ROWS_NAMED]},
        )


def _by_region(model: type[Model], ids: list[int]) -> dict[int | None, list[int]]:
    if not ids or not any(field.name == "region" for field in model._meta.fields):
        return {None: ids} if ids else {}
    found: dict[int | None, list[int]] = {}
    for start in range(0, len(ids), ROWS_NAMED):
        page = model._base_manager.filter(pk__in=ids[start : start + ROWS_NAMED]).order_by("pk")
        for region, pk in page.values_list("region_id", "pk"):
            found.setdefault(region, []).append(pk)
    return found


def of_region(instance: Model) -> dict[str, Any]:
    """Whose auditors may read the entry: what a recorded model's get_additional_data() says, or its `region`."""
    own = getattr(instance, "get_additional_data", None)
    if own is not None:
        return dict(own() or {})
    return {"region": instance.region_id} if hasattr(instance, "region_id") else {}


def record_change(instance: Model, changes: Mapping[str, tuple[str, str]], **details: Any) -> None:
    """`instance` was changed where auditlog does not see it: field → (before, after), without secrets."""
    LogEntry.objects.log_create(
        instance,
        action=LogEntry.Action.UPDATE,
        changes={name: list(values) for name, values in changes.items()},
        additional_data={**details, **of_region(instance)},
    )


def audit_as(user: User) -> None:
    """From here to the end of this request, entries name `user`; for log-ins that happen inside the view."""
    context = auditlog_value.get(None)
    if context is not None:
        context["actor"] = user


def hidden(value: str) -> str:
    """What an entry shows of a value that may not stand in it: that there is one."""
    return "(hidden)" if value else ""


def correlation_id() -> str | None:
    """The id that this request's or run's log lines carry."""
    value = structlog.contextvars.get_contextvars().get("correlation_id")
    return str(value) if value else None


def client_address(request: HttpRequest) -> str | None:
    """Where the request came from: the peer, or what the proxy in front of us says of its own peer.

    X-Forwarded-For is believed only behind a proxy, from PROXY_NETWORKS where they are set, and only its last entry,
    since the client writes the others.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY and (not settings.PROXY_NETWORKS or is_one_of(address, settings.PROXY_NETWORKS)):
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def record_queue_page(page: str, **named: Any) -> None:
    """Somebody has asked for a change on a page of RQ's own, which writes nothing down itself."""
    order = apps.get_model("operations", "Order")
    LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(order), object_pk="", object_repr=f"RQ's own page: {page}",
        action=LogEntry.Action.UPDATE, additional_data=named,
    )  # fmt: skip


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]  # auditlog has no types
    """Names the user and the address in each entry that a request makes."""

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return client_address(request)

    @staticmethod
    def _get_remote_port(_: HttpRequest) -> int | None:
        # Also from a header that anybody can send.
        return None
