"""One overlay per region, made from its file."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backoffice.deploy.regions import region_overlay
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from regions.configuration import load
from regions.regionfile import parse
from tests.deploy.files import DEPLOY, KUBERNETES, documents, objects, pods
from tests.processes import ROOT, Processes, until, workers_of

Json = dict[str, Any]
REGIONS = ("purbalingga", "lombok-barat")
SECRETS = {
    f"{name}_{what}": "a-token-or-a-sheet"
    for name in ("PURBALINGGA", "LOMBOK_BARAT")
    for what in ("FHIR_TOKEN", "SPREADSHEET")
}


def document(**changes: Any) -> Json:
    text = (DEPLOY / "regions" / "purbalingga.json").read_text(encoding="utf-8")
    return {**json.loads(text), **changes}


def job(files: dict[str, str], folder: Path, name: str = "sync") -> Json:
    path = folder / "job.yaml"
    (text,) = [text for path_, text in files.items() if path_.endswith(f"{name}.yaml")]
    path.write_text(text)
    return documents(path)[0]


@pytest.mark.django_db
@pytest.mark.parametrize("name", REGIONS)
def test_the_overlay_in_the_repository_is_made_from_the_region_s_file(name: str, tmp_path: Path, capsys: Any) -> None:
    """[S1-32] [S1-33]"""
    load(parse((DEPLOY / "regions" / f"{name}.json").read_text(encoding="utf-8"), environ=SECRETS))
    call_command("render_region_manifest", name, "--root", str(tmp_path))
    written = capsys.readouterr().out.split()
    assert written == [f"deploy/kubernetes/regions/{name}/{file}" for file in ("kustomization.yaml", "sync.yaml")]
    for path in written:
        assert (tmp_path / path).read_text() == (ROOT / path).read_text(), (
            f"run: manage.py render_region_manifest {name}"
        )


def test_a_region_s_job_has_the_memory_processor_and_time_of_its_file_and_runs_in_its_zone(tmp_path: Path) -> None:
    """[S1-05] [S1-32]"""
    files = region_overlay(document(memory="384Mi", cpu="0.25", timeout="600"), namespace="nightward", tag="v7")
    spec = job(files, tmp_path)["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (one,) = pod["containers"]
    assert one["resources"]["limits"] == {"cpu": "0.25", "memory": "384Mi"} == one["resources"]["requests"]
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 600
    assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Asia/Jakarta", "Forbid")


def test_the_account_of_a_region_s_sheet_is_where_each_pod_looks_for_it() -> None:
    """The connection is checked by the web, a sync begun in the admin worked by a worker, the night's by a pod of its
    own."""
    file = json.loads((DEPLOY / "regions" / "purbalingga.json").read_text())["credential_file"]
    folder = f"/var/lib/nightward/{PurePosixPath(file).parent}"
    ours = [pod for _, pod in pods(objects(KUBERNETES)) if pod["containers"][0]["image"] == "nightward"]
    assert len(ours) > 20
    for pod in ours:
        (mount,) = [each for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == folder]
        (volume,) = [each for each in pod["volumes"] if each["name"] == mount["name"]]
        assert volume["secret"] == {"secretName": "service-accounts", "optional": True}


def test_a_file_that_says_nothing_of_it_has_the_region_s_usual_size(tmp_path: Path) -> None:
    """[S1-05]"""
    plain = {key: value for key, value in document().items() if key in ("name", "time_zone", "env_vars")}
    spec = job(region_overlay(plain, namespace="n", tag="t"), tmp_path)["spec"]["jobTemplate"]["spec"]
    assert spec["template"]["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "0.5", "memory": "256Mi"}
    assert spec["activeDeadlineSeconds"] == 900


def test_one_region_is_rolled_back_alone() -> None:
    """[S1-33]"""
    files = region_overlay(document(), namespace="nightward", tag="the-one-before")
    assert "newTag: the-one-before" in files["deploy/kubernetes/regions/purbalingga/kustomization.yaml"]


@pytest.mark.django_db
def test_a_region_s_pods_have_the_image_of_the_registry_that_the_others_are_from(tmp_path: Path) -> None:
    """[S1-33]: as `kustomize edit set image` writes it into the overlay of the cluster."""
    load(parse((DEPLOY / "regions" / "purbalingga.json").read_text(encoding="utf-8"), environ=SECRETS))
    call_command(
        "render_region_manifest", "purbalingga", "--root", str(tmp_path),
        "--image", "registry.example/nightward", "--tag", "20261130",
    )  # fmt: skip
    (made,) = documents(tmp_path / "deploy/kubernetes/regions/purbalingga/kustomization.yaml")
    assert made["images"] == [{"name": "nightward", "newName": "registry.example/nightward", "newTag": "20261130"}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"memory": "256"}, "memory: must be such as 256Mi"),
        ({"cpu": "half"}, "cpu: must be such as 0.5 or 500m"),
        ({"cpu": "0.0"}, "cpu: must be such as 0.5 or 500m"),
        ({"timeout": "0"}, "timeout: must be a number of seconds, such as 900"),
        ({"max_instances": "2"}, "max_instances: must be 1: a region has one run at a time"),
        ({"min_instances": "1"}, "min_instances: must be 0: between its runs nothing of a region runs"),
        ({"credential_file": "keys/a.json"}, "credential_file: must be service-accounts/NAME.json, as the secret"),
        ({"credential_file": "/etc/a.json"}, "credential_file: must be service-accounts/NAME.json"),
        ({"credential_file": "service-accounts/north/a.json"}, "credential_file: must be service-accounts/NAME.json"),
        ({"env_vars": {}}, "env_vars: has neither HOSPITAL_GRAPHQL_URL or SPREADSHEET_ID"),
    ],
)
def test_what_cannot_be_had_is_one_line(changes: Json, said: str) -> None:
    with pytest.raises(Misuse) as refused:
        region_overlay(document(**changes), namespace="n", tag="t")
    assert str(refused.value).startswith(f"purbalingga: {said}")
    assert len(str(refused.value).splitlines()) == 1


def test_a_long_name_stays_within_what_kubernetes_takes_and_apart_from_others(tmp_path: Path) -> None:
    names = set()
    for last in "ab":
        files = region_overlay(document(name="x" * 49 + last), namespace="n", tag="t")
        names.add(job(files, tmp_path)["metadata"]["name"])
    assert len(names) == 2
    assert all(len(name) <= 52 for name in names)


@pytest.mark.django_db
def test_a_region_that_is_not_known_is_one_line() -> None:
    with pytest.raises(CommandError, match="No region is called 'nowhere'"):
        call_command("render_region_manifest", "nowhere")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_here_the_job_is_worked_by_its_own_process_though_workers_serve_the_queue(
    processes: Processes, queue: Any, queue_server: str, tmp_path: Path
) -> None:
    """[S1-05]: the region's limits are those of the process that does the work."""
    sheet = tmp_path / "phones.csv"
    sheet.write_text("identifier,phone_number,status_update_phone_number\n")
    values = {"FHIR_SERVER_URL": "http://127.0.0.1:9/fhir", "FHIR_API_TOKEN": "x", "FHIR_IDENTIFIER_SYSTEM": "urn:x"}
    text = json.dumps(
        {"name": "here", "time_zone": "Asia/Jakarta", "env_vars": {**values, "SPREADSHEET_ID": str(sheet)}}
    )
    load(parse(text))
    worker = processes.manage("work", "--queues", "default")
    until(lambda: workers_of(queue_server))
    for options, attended in ((("--here",), True), ((), False)):
        ended = processes.manage("sync_phones", "--region", "here", "--wait", "--fresh", *options)
        ended.ends(within=60)
        assert Run.objects.latest("pk").attended is attended, ended.output
    worker.stop()


def test_an_overlay_of_each_file_is_there() -> None:
    assert {path.stem for path in (DEPLOY / "regions").glob("*.json")} == {
        path.name for path in (KUBERNETES / "regions").iterdir()
    }
