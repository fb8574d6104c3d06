"""Every file that is written from the list of processes: its path in the repository and its text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backoffice.deploy.cluster import (
    base,
    base_kustomization,
    config_map,
    configuration,
    disks,
    kustomization,
    namespace,
    overlay,
)
from backoffice.deploy.compose import compose
from backoffice.deploy.once import migrate_job, restore_job
from backoffice.deploy.processes import MIGRATE, on_one_machine
from backoffice.deploy.yaml_text import ORIGIN, as_yaml

KUBERNETES = "deploy/kubernetes"
NODE_PORT = 31432
Json = dict[str, Any]


def rendered() -> dict[str, str]:
    """Path → text."""
    files = {"Procfile": procfile(), "deploy/compose.yaml": as_yaml([compose()])}
    objects = base()
    for name, documents in objects.items():
        files[f"{KUBERNETES}/base/{name}"] = as_yaml(documents)
    files[f"{KUBERNETES}/base/kustomization.yaml"] = as_yaml([base_kustomization(list(objects))])
    files |= folder("migrate", kustomization(resources=["job.yaml"]), {"job.yaml": migrate_job(MIGRATE)})
    # Into an installation that is not there yet, too: so with the disks, which the base has as well.
    put_back = kustomization(resources=["job.yaml", "storage.yaml"])
    files |= folder("restore", put_back, {"job.yaml": restore_job(), "storage.yaml": disks()})
    return files | staging() | production()


def procfile() -> str:
    """One line for each process, as Heroku, foreman and honcho read it."""
    lines = [f"{process.name}: {' '.join(process.command)}" for process in on_one_machine() if process.least]
    return "\n".join([ORIGIN, f"release: {' '.join(MIGRATE)}", *lines, ""])


def staging() -> dict[str, str]:
    """Small, and apart from production in a namespace of its own."""
    settings = {
        "ALLOWED_HOSTS": "localhost,staging.nightward.example",
        # It holds a copy of production's data, secrets of vendors and patients' addresses too: it calls nobody.
        "ONLY_HOSTS": "none",
        "REDIS_ADDRESS": "redis.nightward-staging:6379",
    }
    # A minute's look at the load is enough there; two of everything that has two stay, since that is what is tried.
    smaller = patch("HorizontalPodAutoscaler", "web", [replace("/spec/maxReplicas", 3)])
    return environment("staging", "nightward-staging", settings=settings, patches=[smaller], tag="staging")


def production() -> dict[str, str]:
    """Reached on every node's port [S4-01]."""
    settings = {"ALLOWED_HOSTS": "localhost,nightward.example", "REDIS_ADDRESS": "redis.nightward:6379"}
    reached = [replace("/spec/type", "NodePort"), {"op": "add", "path": "/spec/ports/0/nodePort", "value": NODE_PORT}]
    patches = [patch("Service", "web", reached)]
    return environment("production", "nightward", settings=settings, patches=patches, tag="production")


def environment(name: str, space: str, *, settings: dict[str, str], patches: list[Json], tag: str) -> dict[str, str]:
    """What is applied before the rest, each with the settings that it needs: migrations, and a pod to restore in; and
    all the rest."""
    made = overlay(space, settings=settings, patches=patches, tag=tag)
    files = folder(f"overlays/{name}", made, {"namespace.yaml": namespace(space)})
    for job in ("migrate", "restore"):
        first = kustomization(
            namespace=space,
            resources=[f"../../../{job}"],
            images=made["images"],
            **config_map({**configuration(), **settings}),
        )
        files |= folder(f"overlays/{name}/{job}", first, {})
    return files


def folder(path: str, made: Json, objects: Mapping[str, Json | list[Json]]) -> dict[str, str]:
    """A folder that kustomize builds."""
    files = {
        f"{KUBERNETES}/{path}/{name}": as_yaml(found if isinstance(found, list) else [found])
        for name, found in objects.items()
    }
    return {f"{KUBERNETES}/{path}/kustomization.yaml": as_yaml([made]), **files}


def patch(kind: str, name: str, changes: list[Json]) -> Json:
    """Changes of one object, as RFC 6902 has them."""
    return {"target": {"kind": kind, "name": name}, "patch": as_yaml([changes], origin="").lstrip()}


def replace(path: str, value: Any) -> Json:
    return {"op": "replace", "path": path, "value": value}


def differences(root: Path) -> list[str]:
    """One line for each file that is not as it would be written, or that nothing would be written to."""
    wanted = rendered()
    found = {path: root / path for path in wanted}
    other = [path for path, file in found.items() if not file.is_file() or file.read_text("utf-8") != wanted[path]]
    here = {str(file.relative_to(root)) for file in (root / KUBERNETES).rglob("*.yaml")}
    left = sorted(path for path in here - set(wanted) if not path.startswith(f"{KUBERNETES}/regions/"))
    return [f"{path}: differs from the list" for path in other] + [f"{path}: is left over" for path in left]


def write(root: Path) -> list[str]:
    """Write what differs; the paths of it."""
    changed = []
    for path, text in rendered().items():
        file = root / path
        if not file.is_file() or file.read_text("utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
