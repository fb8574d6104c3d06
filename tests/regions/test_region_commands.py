"""load_region and export_region: silent, one line for each fault, status 2 for wrong use, and no secret in clear."""

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from regions.models import Region
from tests.regions.world import FILE, TOKEN, env_vars, with_


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PBG_FHIR_TOKEN", "s3cret-of-fhir")
    path = tmp_path / "purbalingga.json"
    path.write_text(json.dumps(FILE))
    return path


@pytest.mark.django_db
def test_load_region_is_silent_and_loads(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_region", str(file))
    assert Region.objects.get().env_vars["HOSPITAL_API_TOKEN"] == TOKEN
    assert capsys.readouterr().out == ""


@pytest.mark.django_db
def test_load_region_says_more_when_asked_and_never_a_secret(file: Path) -> None:
    call_command("load_region", str(file), verbosity=2, stdout=StringIO())
    file.write_text(env_vars(HOSPITAL_API_TOKEN="another-s3cret"))
    out = StringIO()
    call_command("load_region", str(file), verbosity=2, stdout=out)
    assert out.getvalue() == "purbalingga: changed env_vars.HOSPITAL_API_TOKEN\n"


@pytest.mark.django_db
def test_load_region_refuses_a_bad_file_with_status_2_and_one_line_for_each_fault(file: Path) -> None:
    file.write_text(with_(colour="red", country="Indonesia"))
    with pytest.raises(CommandError) as caught:
        call_command("load_region", str(file))
    assert caught.value.returncode == 2
    assert str(caught.value).splitlines() == [
        f"{file}: colour: is not a known key",
        f"{file}: country: must be two capital letters (ISO 3166), such as ID",
    ]
    assert not Region.objects.exists()


@pytest.mark.parametrize(("name", "reason"), [("missing.json", "No such file or directory"), (".", "Is a directory")])
def test_load_region_says_why_a_file_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        call_command("load_region", str(tmp_path / name))
    assert caught.value.returncode == 2


def test_load_region_refuses_what_is_not_utf_8(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="is not text in UTF-8"):
        call_command("load_region", str(file))


@pytest.mark.django_db
def test_export_region_writes_a_file_that_load_region_takes_back(file: Path, tmp_path: Path) -> None:
    call_command("load_region", str(file))
    target = tmp_path / "out.json"
    target.touch(mode=0o644)
    call_command("export_region", "purbalingga", output=str(target))
    assert TOKEN not in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    out = StringIO()
    call_command("load_region", str(target), verbosity=2, stdout=out)
    assert out.getvalue() == "purbalingga: unchanged\n"


@pytest.mark.django_db
def test_export_region_writes_secrets_in_clear_only_when_asked(file: Path) -> None:
    call_command("load_region", str(file))
    plain, full = StringIO(), StringIO()
    call_command("export_region", "purbalingga", stdout=plain)
    call_command("export_region", "purbalingga", secrets=True, stdout=full)
    assert TOKEN not in plain.getvalue()
    assert json.loads(full.getvalue())["env_vars"]["HOSPITAL_API_TOKEN"] == TOKEN


@pytest.mark.django_db
def test_export_region_of_an_unknown_region_says_which_there_are(file: Path) -> None:
    call_command("load_region", str(file))
    with pytest.raises(CommandError, match=r"No region is called 'lombok'. Regions: purbalingga.") as caught:
        call_command("export_region", "lombok")
    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_export_region_says_why_it_cannot_write(file: Path, tmp_path: Path) -> None:
    call_command("load_region", str(file))
    with pytest.raises(CommandError, match="No such file or directory") as caught:
        call_command("export_region", "purbalingga", output=str(tmp_path / "no" / "where.json"))
    assert caught.value.returncode == 2
