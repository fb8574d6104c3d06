"""Who may do what: the roles, and the gate in front of whatever a role may open (product.md, "Access").

A role is a group of that name; each gives verbs. `user.has_perm("nightward.VERB")` answers from them, true for
superusers. What a user sees is bounded by the user's regions as well: `scoped`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django_otp import user_has_device

APP = "nightward"
MASKED = "••••••"
# The bytes of claim files and of what answers them: whole files of patients.
CONTENT = "view_document_content"

ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset({"see"}),
    "finance": frozenset({"see", "patient_data", CONTENT, "resolve", "start_recovery", "export"}),
    "operator": frozenset({"see", "patient_data", CONTENT, "resolve", "start_recovery", "start_any"}),
    "engineer": frozenset({"see", "start_recovery", "start_any", "configure", "queues"}),
    "auditor": frozenset({"see", "patient_data", "export", "audit"}),
}
VERBS = frozenset().union(*ROLES.values())

# No role has it: accounts, second factors and locks belong to superusers, or a role could give itself another.
ACCOUNTS = "accounts"

# Attributes of a user object that keep what was asked of the database, for as long as a request lasts.
VERBS_KNOWN = "_nightward_verbs"
REGIONS_KNOWN = "_nightward_regions"

AnyUser = AbstractBaseUser | AnonymousUser
Rows = TypeVar("Rows", bound=Model)
Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def verbs_of(user: AnyUser) -> frozenset[str]:
    """What the user's roles allow; nothing for who is not active. Asked of the database once per user object."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return VERBS | {ACCOUNTS}
    if not hasattr(user, VERBS_KNOWN):
        names = user.groups.values_list("name", flat=True)
        setattr(user, VERBS_KNOWN, frozenset().union(*(ROLES.get(name, frozenset()) for name in names)))
    return cast(frozenset[str], getattr(user, VERBS_KNOWN))


def may(user: AnyUser, verb: str) -> bool:
    return verb in verbs_of(user)


def may_run(user: AnyUser, start_verb: str, *, preview: bool = False) -> bool:
    """Whether the user may start, stop and restart a job that asks for `start_verb`; finance may preview any job."""
    return may(user, start_verb) or (preview and may(user, "start_recovery"))


class RoleBackend(BaseBackend):
    """Answers has_perm("nightward.VERB") from the user's roles. It signs nobody in."""

    def get_group_permissions(self, user_obj: AnyUser, obj: Model | None = None) -> set[str]:
        return {f"{APP}.{verb}" for verb in verbs_of(user_obj)}

    def has_module_perms(self, user_obj: AnyUser, app_label: str) -> bool:
        """Whether the admin's index names the app; each of its pages asks for a verb of its own."""
        return may(user_obj, "queues" if app_label == "django_rq" else "see")


def region_ids(user: AnyUser) -> list[int]:
    """Primary keys of the user's regions, without the superuser's privilege to see all."""
    if not isinstance(user, User) or not user.is_active:
        return []
    if not hasattr(user, REGIONS_KNOWN):
        # Literal ids let the database use the index that begins with the region.
        setattr(user, REGIONS_KNOWN, sorted(user.regions.values_list("pk", flat=True)))
    return cast(list[int], getattr(user, REGIONS_KNOWN))


def scoped(queryset: QuerySet[Rows], user: AnyUser, path: str = "region") -> QuerySet[Rows]:
    """The rows of the user's regions. `path` leads from the model to its region; empty where the rows are regions."""
    if isinstance(user, User) and user.is_active and user.is_superuser:
        return queryset
    return queryset.filter(**{f"{path or 'pk'}__in": region_ids(user)})


def mask(text: str) -> str:
    """What takes the place of a patient's reference; its length and digits would tell something."""
    return MASKED if text else ""


def shown(user: AnyUser, text: str) -> str:
    """A patient's reference as this user may see it."""
    return text if may(user, "patient_data") else mask(text)


def second_factor_given(user: AnyUser) -> bool:
    """Whether nothing is left to ask for after the password: a user with a device has always to use it."""
    is_verified = getattr(user, "is_verified", None)
    if is_verified is not None and is_verified():
        return True
    return not settings.REQUIRE_TOTP and not user_has_device(user)


def gate(request: HttpRequest, verb: str) -> HttpResponse | None:
    """None where the request may pass, else the way to the log-in; PermissionDenied (403) where that would not help."""
    user = request.user
    if not user.is_authenticated or (user.is_staff and not second_factor_given(user)):
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))
    if not user.is_staff or not may(user, verb):
        raise PermissionDenied
    return None


def requires(verb: str) -> Callable[[View[Arguments]], View[Arguments]]:
    """A view for staff whose role has `verb`."""

    def decorate(view: View[Arguments]) -> View[Arguments]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
            return gate(request, verb) or view(request, *args, **kwargs)

        return guarded

    return decorate


class QueuesGuard:
    """Middleware in front of django-rq's pages, wherever they are mounted: by themselves they ask for is_staff only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 200 and self._is_of_queues(request):
            # Their bulk actions are inline scripts, which no other page of ours may have.
            csp_update({"script-src": [UNSAFE_INLINE]})(lambda _: response)(request)
        return response

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        if not self._is_of_queues(request):
            return None
        refusal = gate(request, "queues")
        if refusal is None and request.method == "POST":
            self._write_down(request)
        return refusal

    @staticmethod
    def _write_down(request: HttpRequest) -> None:
        from backoffice.audit import record_queue_page  # needs the models, and this module is read before them

        match = request.resolver_match
        assert match is not None  # noqa: S101 (it is one of the queues')
        jobs = request.POST.getlist("job_ids")
        record_queue_page(str(match.url_name), **match.kwargs, **({"jobs": jobs} if jobs else {}))

    @staticmethod
    def _is_of_queues(request: HttpRequest) -> bool:
        match = request.resolver_match
        if match is None:
            return False
        names = [*match.app_names, *match.namespaces, match.url_name or "", match.func.__module__]
        return any(name.startswith("django_rq") for name in names)
