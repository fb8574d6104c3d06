"""The base of every endpoint: its verbs, its regions, its parameters, its caching."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.utils.cache import patch_cache_control, patch_vary_headers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from backoffice.access import scoped
from backoffice.rest.strict import Query

Row = TypeVar("Row", bound=Model)


class ApiViewSet(GenericViewSet[Any]):
    """Give it `required_verbs` (action → verb of the token) and `queries` (action → its query parameters)."""

    required_verbs: ClassVar[Mapping[str, str]] = {}
    queries: ClassVar[Mapping[str, type[Query]]] = {}
    http_method_names = ["get", "head", "post"]
    lookup_value_regex = "[0-9]{1,18}"
    query: dict[str, Any]

    @property
    def owner(self) -> User:
        """In whose name the token acts."""
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After who may: what the query says, or 400."""
        super().initial(request, *args, **kwargs)
        self.query = self.queries.get(self.action or "", Query).of(request.query_params)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """No cache on the way keeps an answer; whoever asked may keep one that has an ETag, and asks again with it."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(answer, ("Authorization",))
        patch_cache_control(answer, private=True, **{"no_cache" if answer.has_header("ETag") else "no_store": True})
        return answer


def of_token(rows: QuerySet[Row], request: Request, path: str = "region") -> QuerySet[Row]:
    """Of these rows those in the token's regions, as far as its owner still sees them. `path` as in `scoped`."""
    return scoped(rows, request.user, path).filter(**{f"{path or 'pk'}__in": _token_region_ids(request)})


def _token_region_ids(request: Request) -> list[int]:
    token: Any = request.auth
    if token is None:
        return []
    if not hasattr(token, "_region_ids"):
        # Asked of the database once a request: the token is read anew for each.
        token._region_ids = list(token.regions.values_list("pk", flat=True))
    return cast(list[int], token._region_ids)


def region_of_token(name: str, request: Request) -> Any:
    """The region of that name; 404 alike for one that is not the token's and for one that does not exist."""
    regions = apps.get_model("regions", "Region")._default_manager
    region = of_token(regions.all(), request, path="").filter(name=name).first()
    if region is None:
        raise NotFound("No region of this token has that name.")
    return region
