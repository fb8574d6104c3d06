"""Outputs in a storage that is not a folder of this machine, as S3 is not."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from pytest_django import Settings

from claims.models import OutputFile
from claims.pipeline import export, files
from tests.claims.folders import night_of
from tests.claims.undisturbed import assert_undisturbed, on_disk, ready, short_night, undisturbed
from tests.running import go_on

pytestmark = pytest.mark.django_db(transaction=True)


class Objects(Storage):
    """Files have names here and no paths."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def _open(self, name: str, mode: str = "rb") -> "ContentFile[bytes]":
        if name not in self.held:
            raise FileNotFoundError(name)
        return ContentFile(self.held[name])

    def _save(self, name: str, content: Any) -> str:
        self.held[name] = content.read()
        return name

    def delete(self, name: str) -> None:
        self.held.pop(name, None)

    def exists(self, name: str) -> bool:
        return name in self.held

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        split = [name.rpartition("/") for name in self.held]
        return [], [name for folder, _, name in split if folder == path]


@pytest.fixture
def elsewhere(settings: Settings) -> None:
    undisturbed()
    memory = {"BACKEND": f"{__name__}.Objects"}
    settings.STORAGES = {**settings.STORAGES, files.STORAGE: memory}


@pytest.mark.slow
def test_a_night_comes_to_the_same_there_and_is_exported_from_there(elsewhere: None) -> None:
    """S2-24"""
    assert isinstance(files.storage(), Objects)
    run = short_night(ready())
    assert_undisturbed(run)
    assert sum(len(rows) for _, rows in export.advices(night_of(run))) > 200


@pytest.mark.slow
def test_what_no_checkpoint_vouches_for_is_deleted_there_as_well(elsewhere: None) -> None:
    """S2-24"""
    run = short_night(ready())
    night = night_of(run)
    names = set(OutputFile.objects.filter(night=night, output="enriched").values_list("name", flat=True))
    again = go_on(run, from_step="enrich")
    assert_undisturbed(again)
    assert not names & set(on_disk(night))
