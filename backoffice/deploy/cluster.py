"""What the cluster has once: service, configuration, storage, who may speak to whom, and the objects of the base."""

from collections.abc import Mapping, Sequence
from typing import Any

from backoffice.deploy.compose import HOME, TRACES_ENDPOINT
from backoffice.deploy.crontab import entries
from backoffice.deploy.kubernetes import (
    CONFIG,
    REDIS_AUTH,
    SECRET,
    backup_job,
    collector,
    cron_job,
    deployment,
    disruption_budget,
    horizontal,
    labels,
    named,
    scaled,
)
from backoffice.deploy.processes import PORT, Process, in_kubernetes

Json = dict[str, Any]
PART_OF = {"app.kubernetes.io/name": "nightward"}
# What is reached outside: DNS apart; HTTPS, PostgreSQL, Redis, SFTP, mail.
OUTSIDE = (443, 5432, 6379, 22, 465, 587)


def configuration() -> Json:
    """The settings that are no secrets; overlays add theirs. `localhost` is whom a probe asks for."""
    return {
        "ALLOWED_HOSTS": "localhost",
        "BEHIND_PROXY": "1",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        "NIGHTWARD_HOME": HOME,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "PORT": str(PORT),
        "REDIS_ADDRESS": "redis:6379",
        "TRACES_ENDPOINT": TRACES_ENDPOINT,
        "TRACES_INSECURE": "false",
        "WEB_CONCURRENCY": "2",
    }


def base() -> dict[str, list[Json]]:
    """File → the objects in it."""
    files = {f"{process.name}.yaml": objects_of(process) for process in in_kubernetes()}
    files["web.yaml"].append(service("web", [{"name": "http", "port": 80, "targetPort": "http"}]))
    return {
        **files,
        "collector.yaml": [
            collector(),
            named("PodDisruptionBudget", "policy/v1", "collector", spec={
                "maxUnavailable": 1, "selector": {"matchLabels": labels("collector")},
            }),
            service("collector", [port("otlp-grpc", 4317), port("otlp-http", 4318), port("metrics", 8888)]),
        ],
        "cron.yaml": [*(cron_job(entry) for entry in entries()), backup_job()],
        "storage.yaml": disks(),
        "network.yaml": network_policies(),
        "keda.yaml": [named("TriggerAuthentication", "keda.sh/v1alpha1", REDIS_AUTH, spec={
            "secretTargetRef": [{"parameter": "password", "name": SECRET, "key": "REDIS_PASSWORD"}],
        })],
    }  # fmt: skip


def objects_of(process: Process) -> list[Json]:
    """What a process needs: itself, what scales it where anything does, a budget where there are several."""
    objects = [deployment(process)]
    if process.most > process.least:
        by_load = process.queue or process.consumer
        objects.append(scaled(process) if by_load else horizontal(process.name, process.least, process.most))
    if process.least > 1:
        objects.append(disruption_budget(process))
    return objects


def port(name: str, number: int) -> Json:
    return {"name": name, "port": number, "targetPort": name}


def service(name: str, ports: list[Json]) -> Json:
    return named("Service", "v1", name, spec={"type": "ClusterIP", "selector": labels(name), "ports": ports})


def disks() -> list[Json]:
    return [claim("home", "100Gi"), claim("backups", "200Gi")]


def claim(name: str, size: str) -> Json:
    """A disk that the pods of all machines share: nights' outputs, videos, reports."""
    return named("PersistentVolumeClaim", "v1", f"nightward-{name}", spec={
        "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": size}},
    })  # fmt: skip


def network_policies() -> list[Json]:
    """Nobody comes in but to the web and, from our pods, to the collector; out only by the ports that are used."""

    def policy(name: str, chosen: Json, **spec: Any) -> Json:
        kinds = [kind.title() for kind in spec]
        spec = {"podSelector": {"matchLabels": chosen}, "policyTypes": kinds, **spec}
        return named("NetworkPolicy", "networking.k8s.io/v1", name, spec=spec)

    ours: Json = {"podSelector": {"matchLabels": PART_OF}}
    dns = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    return [
        policy("nightward", PART_OF, ingress=[], egress=[
            {"ports": dns}, {"ports": tcp(OUTSIDE)}, {"to": [ours], "ports": tcp((4317, 4318))},
        ]),
        policy("web", labels("web"), ingress=[{"ports": tcp((PORT,))}]),
        policy("collector", labels("collector"), ingress=[
            {"from": [ours], "ports": tcp((4317, 4318))}, {"ports": tcp((8888,))},
        ], egress=[{"ports": tcp((443, 4317, 4318))}]),
    ]  # fmt: skip


def tcp(numbers: Sequence[int]) -> list[Json]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def kustomization(**parts: Any) -> Json:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **parts}


def base_kustomization(files: Sequence[str]) -> Json:
    return kustomization(resources=sorted(files), **config_map(configuration()))


def config_map(settings: Mapping[str, str], **more: str) -> Json:
    """What makes the ConfigMap of these settings, as a kustomization has it."""
    literals = [f"{key}={value}" for key, value in settings.items()]
    return {
        "generatorOptions": {"disableNameSuffixHash": True},
        "configMapGenerator": [{"name": CONFIG, **more, "literals": literals}],
    }


def overlay(
    namespace: str, *, settings: dict[str, str], patches: Sequence[Json], tag: str, base: str = "../../base"
) -> Json:
    """The base as one environment has it."""
    return kustomization(
        namespace=namespace,
        resources=["namespace.yaml", base],
        **config_map(settings, behavior="merge"),
        images=[{"name": "nightward", "newTag": tag}],
        patches=list(patches),
    )


def namespace(name: str) -> Json:
    """Pods that could do more than ours need are refused."""
    made = named("Namespace", "v1", name)
    made["metadata"]["labels"] = {**PART_OF, "pod-security.kubernetes.io/enforce": "restricted"}
    return made
