"""The files in deploy/ as who runs them reads them: parsed again, without the code that wrote them."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.processes import ROOT

Json = dict[str, Any]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("overlays/staging", "overlays/production", "regions/purbalingga", "regions/lombok-barat")


def documents(path: Path) -> list[Json]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def objects(folder: Path) -> Iterator[Json]:
    """Kubernetes' objects in the folder and below it, before any overlay changes them."""
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from documents(path)


def find(kind: str, name: str) -> Json:
    """One object of the base."""
    (found,) = [
        each for each in objects(KUBERNETES / "base") if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def of_kind(kind: str) -> dict[str, Json]:
    return {each["metadata"]["name"]: each for each in objects(KUBERNETES / "base") if each["kind"] == kind}


def kubectl() -> str | None:
    """Its program brings kustomize; where it is not, the files are looked at as they are."""
    return shutil.which("kubectl")


def built(folder: str) -> list[Json]:
    """The overlay as kustomize builds it."""
    program = kubectl()
    assert program is not None
    done = subprocess.run([program, "kustomize", KUBERNETES / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def pods(found: list[Json] | Iterator[Json]) -> Iterator[tuple[Json, Json]]:
    """(object, the pod's specification) of everything that makes pods."""
    for each in found:
        if each["kind"] in ("Deployment", "Job"):
            yield each, each["spec"]["template"]["spec"]
        elif each["kind"] == "CronJob":
            yield each, each["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def command_lines() -> dict[tuple[str, ...], list[str]]:
    """Each command line of ours that stands anywhere → where it stands."""
    found: dict[tuple[str, ...], list[str]] = {}
    for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines():
        name, colon, command = line.partition(": ")
        if colon and not line.startswith("#"):
            found.setdefault(tuple(shlex.split(command)), []).append(f"Procfile {name}")
    (compose,) = documents(DEPLOY / "compose.yaml")
    for name, service in compose["services"].items():
        if service["image"].startswith("nightward"):
            found.setdefault(tuple(service["command"]), []).append(f"compose {name}")
    for each, pod in pods(objects(KUBERNETES)):
        for container in pod["containers"]:
            if container["image"] == "nightward" and container["command"][0] != "sleep":  # a person types the rest
                found.setdefault(tuple(container["command"]), []).append(f"{each['kind']} {each['metadata']['name']}")
    return found
