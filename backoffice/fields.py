"""Model fields whose column holds only ciphertext (backoffice/keyring.py).

Each value is bound to "model:row:field". The row is named by another field of the model (`identity`) that is set
before the first insert and never changes, such as a UUID: a primary key from a sequence is not known in time. Declare
that field before the encrypted ones.

A value is sealed when it is assigned and opened when it is read, so neither an instance's state nor its pickle holds
it in clear. What is loaded by values() stays sealed, and look-ups and update() refuse clear values. What was opened
does not show itself: print a key of it, or call str() on it, where it is meant to be seen.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.apps import apps
from django.db import models
from django.db.models.functions import Substr
from django.db.models.query_utils import DeferredAttribute

from backoffice.keyring import Sealed, SecretUnreadable, newest_key_id, seal, unseal

Clear = TypeVar("Clear")

if TYPE_CHECKING:

    class _Field(models.Field[Clear, Clear]): ...
else:
    # Django's fields are generic in their stubs only.
    class _Field(models.Field, Generic[Clear]): ...


class SecretMisused(TypeError):
    """An encrypted field was used where it can neither be sealed nor opened; assign it on an instance and save that."""


class OpenedText(str):
    """A secret that was opened. It remembers its seal, for Django's ways of saving that do not ask the field."""

    __slots__ = ("sealed",)
    sealed: Sealed

    def __repr__(self) -> str:
        return "OpenedText()"


class OpenedObject(Mapping[str, Any]):
    """A JSON object that was opened; it cannot be changed, since that would not be saved."""

    def __init__(self, values: dict[str, Any], sealed: Sealed) -> None:
        self._values, self.sealed = values, sealed

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"OpenedObject({', '.join(sorted(self._values))})"


class SecretAttribute(DeferredAttribute):
    """Seals on assignment, opens on access: SecretUnreadable where the value does not open."""

    field: "EncryptedField[Any]"

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        if instance is None:
            return self
        stored = super().__get__(instance, cls)
        if not isinstance(stored, Sealed):
            return stored
        return self.field.load(unseal(stored, self.field.place(instance)), stored)

    def __set__(self, instance: models.Model, value: Any) -> None:
        if value is not None and not isinstance(value, Sealed):
            value = seal(self.field.dump(value), self.field.place(instance))
        instance.__dict__[self.field.attname] = value


class EncryptedField(_Field[Clear]):
    """What the encrypted fields share. `identity` names the field that tells rows apart."""

    descriptor_class = SecretAttribute

    def __init__(self, *args: Any, identity: str, **options: Any) -> None:
        self.identity = identity
        # No form and no admin page may show it by default.
        options.setdefault("editable", False)
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "identity": self.identity}

    def get_internal_type(self) -> str:
        return "TextField"

    def dump(self, value: Clear) -> str:
        """The text that is sealed."""
        raise NotImplementedError

    def load(self, text: str, sealed: Sealed) -> Clear:
        """The value of an opened text, which remembers its seal."""
        raise NotImplementedError

    def place(self, instance: models.Model) -> str:
        """What the value is bound to; SecretMisused while the row has no identity."""
        return self.place_of(type(instance), getattr(instance, self.identity))

    def place_of(self, model: type[models.Model], row: object) -> str:
        if row in (None, ""):
            raise SecretMisused(f"{model._meta.label}: set {self.identity} before {self.name}.")
        return f"{model._meta.label_lower}:{row}:{self.name}"

    def from_db_value(self, value: str | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        # A dumped row is loaded as it was dumped: sealed.
        return Sealed(value) if isinstance(value, str) and Sealed(value).key_id else value

    def value_to_string(self, obj: models.Model) -> str:
        stored = obj.__dict__.get(self.attname)
        return stored.text if isinstance(stored, Sealed) else ""

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        stored: Sealed | None = model_instance.__dict__.get(self.attname)
        if stored is None or stored.key_id == newest_key_id():
            return stored
        place = self.place(model_instance)
        try:
            # An instance loaded before a rotation must not bring the old key back.
            return seal(unseal(stored, place), place)
        except SecretUnreadable:
            # Its key may come back; to save another field of the row must not lose it.
            return stored

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, OpenedText | OpenedObject):
            value = value.sealed
        if value is None or isinstance(value, Sealed):
            return None if value is None else value.text
        raise SecretMisused(f"{self.name} is encrypted: it can be assigned and saved, not searched or updated in bulk.")


class EncryptedTextField(EncryptedField[str]):
    """A text that is encrypted at rest."""

    def dump(self, value: str) -> str:
        if not isinstance(value, str):
            raise SecretMisused(f"{self.name} holds text.")
        return value

    def load(self, text: str, sealed: Sealed) -> str:
        opened = OpenedText(text)
        opened.sealed = sealed
        return opened


class EncryptedJSONField(EncryptedField[Mapping[str, Any]]):
    """A JSON object that is encrypted at rest."""

    def dump(self, value: Mapping[str, Any]) -> str:
        if not isinstance(value, Mapping):
            raise SecretMisused(f"{self.name} holds an object.")
        return json.dumps(dict(value), sort_keys=True)

    def load(self, text: str, sealed: Sealed) -> Mapping[str, Any]:
        return OpenedObject(json.loads(text), sealed)


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedField[Any]]]:
    """Every encrypted field of every installed model."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedField):
                yield model, field


def key_ids_in_use() -> set[str]:
    """Which keys have sealed what is in the database; nothing is opened for it."""
    found: set[str] = set()
    for model, field in encrypted_fields():
        key = Substr(field.attname, len("1.") + 1, 8)  # of "1.<key id>.<...>"
        found |= set(model._base_manager.order_by().annotate(key_id=key).values_list("key_id", flat=True).distinct())
    return {key_id for key_id in found if key_id}


def rotate(model: type[models.Model], field: EncryptedField[Any], *, batch: int = 500) -> tuple[int, list[str]]:
    """Seal under the newest key what an older one sealed: (how many, places that do not open).

    Safe beside writers and safe to repeat: a row is changed only while it still holds the text that was opened.
    """
    column, done = field.attname, 0
    unreadable = []
    for pk, row, stored in _stored(model, field, batch):
        if stored is None or stored.key_id == newest_key_id():
            continue
        place = field.place_of(model, row)
        try:
            fresh = seal(unseal(stored, place), place)
        except SecretUnreadable:
            unreadable.append(place)
        else:
            done += model._base_manager.filter(pk=pk, **{column: stored}).update(**{column: fresh})
    return done, unreadable


def _stored(
    model: type[models.Model], field: EncryptedField[Any], batch: int
) -> Iterator[tuple[Any, object, Sealed | None]]:
    """(primary key, identity, sealed value) of every row, by pages: nothing is held open while rows are changed."""
    rows = model._base_manager.order_by("pk").values_list("pk", field.identity, field.attname)
    page = list(rows[:batch])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1][0])[:batch])
