"""Rows for tests: UserFactory.create(…) and the like, whose type mypy knows. Every password is PASSWORD."""

# mypy: allow-untyped-calls, allow-untyped-decorators
# The declarations of factory-boy have no types.

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.utils import timezone
from factory.declarations import LazyAttribute, LazyFunction, Sequence
from factory.django import DjangoModelFactory
from factory.helpers import post_generation

from regions.models import ApiToken, Region

PASSWORD = "correct horse battery staple"


class RegionFactory(DjangoModelFactory[Region]):
    """A region without connections: create(env_vars={…}) gives it some, create(staff=[…]) its people."""

    class Meta:
        model = Region
        skip_postgeneration_save = True

    name = Sequence(lambda number: f"region-{number}")
    display_name = LazyAttribute(lambda region: str(region.name).title())
    time_zone = "America/Chicago"
    country = "US"

    @post_generation
    def staff(region: Region, create: bool, extracted: Iterable[User] | None, **_: Any) -> None:  # noqa: N805
        region.staff.add(*(extracted or ()))


class UserFactory(DjangoModelFactory[User]):
    """A member of staff: create(role="finance", regions=[region]). Without a role there is nothing to see."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda number: f"user-{number}")
    password = LazyFunction(lambda: make_password(PASSWORD))
    is_staff = True

    @post_generation
    def role(user: User, create: bool, extracted: str | None, **_: Any) -> None:  # noqa: N805
        if extracted:
            user.groups.add(Group.objects.get_or_create(name=extracted)[0])

    @post_generation
    def regions(user: User, create: bool, extracted: Iterable[Region] | None, **_: Any) -> None:  # noqa: N805
        user.regions.add(*(extracted or ()))


class SuperuserFactory(UserFactory):
    is_superuser = True


class ApiTokenFactory(DjangoModelFactory[ApiToken]):
    """A token with its text in `token.text`: create(regions=[region], verbs=["runs:read"], role="operator").

    Its owner, where none is given, has the role (operator) and the regions.
    """

    class Meta:
        model = ApiToken

    name = Sequence(lambda number: f"system-{number}")
    verbs = ("runs:read",)
    role = "operator"
    expires_at = LazyFunction(lambda: timezone.now() + timedelta(days=1))

    @classmethod
    def _create(cls, model_class: type[ApiToken], *args: Any, **values: Any) -> ApiToken:
        regions = list(values.pop("regions", ()))
        role = values.pop("role")
        owner = values.pop("owner", None) or UserFactory.create(role=role, regions=regions)
        revoked_at = values.pop("revoked_at", None)
        token, text = model_class.objects.issue(owner=owner, regions=regions, **values)
        if revoked_at is not None:
            model_class.objects.filter(pk=token.pk).update(revoked_at=revoked_at)
            token.refresh_from_db()
        token.text = text
        return token


def bearer(token: ApiToken) -> dict[str, str]:
    """The header that a client of the API sends: client.get(url, headers=bearer(token))."""
    return {"Authorization": f"Bearer {token.text}"}
