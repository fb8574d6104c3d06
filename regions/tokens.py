"""The API's tokens at work: who calls, in which regions, by which verbs, how often."""

import time
from datetime import timedelta
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any, cast

import structlog
from django.contrib.auth.models import AbstractUser
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from backoffice import queue_server
from backoffice.access import may
from backoffice.audit import audit_as
from regions.models import TOKEN_VERBS, ApiToken

if TYPE_CHECKING:
    # Not at run time: REST framework's views import this module by its settings.
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

# How exact last_used_at is: a write per call would cost more than the call.
LAST_USED_STEP = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer nw_…`. The call acts as the token's owner; every other state of the header is 401."""

    def authenticate(self, request: Request) -> tuple[AbstractUser, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer":
            raise AuthenticationFailed("Send one header: Authorization: Bearer, a blank, the token.")
        text = words[1].decode("ascii", errors="replace")
        token = ApiToken.objects.usable().with_text(text).select_related("owner").first()
        if token is None:
            # One answer for unknown, expired, revoked and disabled: which it was is nobody's business.
            raise AuthenticationFailed("This token is not valid, or no longer.")
        _note_use(token)
        audit_as(token.owner)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Nightward"'


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_STEP)
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_STEP:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


class TokenAllowsVerb(BasePermission):
    """Lets a call pass whose token has the view's verb, and whose owner's role still allows it.

    The view says `required_verbs = {"list": "runs:read", …}`, by its action or, without actions, by the method. What
    the table does not name is refused.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        method = str(request.method).lower()
        if method not in view.http_method_names or not hasattr(view, method):
            raise MethodNotAllowed(str(request.method))
        verbs: dict[str, str] = getattr(view, "required_verbs", {})
        verb = verbs.get(getattr(view, "action", None) or str(request.method))
        if verb is None:
            return False
        if verb not in token.verbs:
            raise PermissionDenied(f"This token lacks the verb {verb}.")
        if not may(token.owner, TOKEN_VERBS[verb]):
            raise PermissionDenied(f"The role of this token's owner does not allow {verb}.")
        return True


class TokenThrottle(BaseThrottle):
    """A token's calls per window (DEFAULT_THROTTLE_RATES["token"]), counted in the queue's Redis for all web processes.

    While Redis cannot be reached calls pass: to read a run's status must not depend on the queue.
    """

    seconds_left: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        rate = api_settings.DEFAULT_THROTTLE_RATES.get("token")
        if rate is None or not isinstance(request.auth, ApiToken):
            return True
        limit, seconds = cast(tuple[int, int], SimpleRateThrottle.parse_rate(_PARSER, str(rate)))
        now = time.time()
        window = int(now // seconds)
        try:
            used = count_call(f"nightward:calls:{request.auth.pk}:{window}", seconds)
        except RedisError:
            log.warning("throttle_without_redis")
            return True
        self.seconds_left = ceil((window + 1) * seconds - now)
        return used <= limit

    def wait(self) -> float | None:
        return self.seconds_left


# parse_rate is a method that uses nothing of its object.
_PARSER = SimpleRateThrottle.__new__(SimpleRateThrottle)


def count_call(key: str, seconds: int) -> int:
    """Add one call to the window and return its calls so far; RedisError when nobody counts."""
    with _redis(queue_server.url()).pipeline() as pipeline:
        pipeline.incr(key)
        pipeline.expire(key, seconds + 1)
        return int(pipeline.execute()[0])


@lru_cache(maxsize=4)
def _redis(url: str) -> Redis:
    """Connections that do not try twice: a call of the API waits half a second at most for its count."""
    return Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes the tokens."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of one owner: its regions, its verbs."}
