"""Kubernetes' objects for a process: Deployment, scaling, disruption budget; and for the clock: CronJobs."""

from typing import Any
from urllib.parse import urlencode

from backoffice.deploy.compose import BACKUPS, COLLECTOR_IMAGE, HOME
from backoffice.deploy.crontab import Entry
from backoffice.deploy.processes import MANAGE, PORT, Process
from backoffice.telemetry.probes import DISPENSABLE
from clinic.events.stream import STREAM

Json = dict[str, Any]
IMAGE = "nightward"
USER = 10001
CONFIG, SECRET = "nightward", "nightward"
# A secret with the key file of each region's sheet, and where a region's credential_file finds them.
ACCOUNTS = "service-accounts"
REDIS_AUTH = "nightward-redis"
POD: Json = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER: Json = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
HOME_DISK: Json = {"persistentVolumeClaim": {"claimName": "nightward-home"}}
# KEDA is given the queue's address and password apart, the program one URL of them.
ENVIRONMENT: list[Json] = [
    {"name": "REDIS_ADDRESS", "valueFrom": {"configMapKeyRef": {"name": CONFIG, "key": "REDIS_ADDRESS"}}},
    {"name": "REDIS_PASSWORD", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "REDIS_PASSWORD"}}},
    {"name": "REDIS_URL", "value": "redis://:$(REDIS_PASSWORD)@$(REDIS_ADDRESS)/0"},
]
# In front of the service there is a proxy that speaks HTTPS; a probe says so too, or is redirected to where nobody is.
PROBE_HEADERS = [{"name": "Host", "value": "localhost"}, {"name": "X-Forwarded-Proto", "value": "https"}]


def labels(name: str) -> Json:
    return {"app.kubernetes.io/name": "nightward", "app.kubernetes.io/component": name}


def named(kind: str, api: str, name: str, **rest: Any) -> Json:
    """An object's first lines."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels(name)}, **rest}


def container(name: str, command: tuple[str, ...], *, memory: str, cpu: str) -> Json:
    """One container of ours. It asks for a quarter of the processor that it may take, and for half of the memory."""
    return {
        "name": name,
        "image": IMAGE,
        "command": list(command),
        "envFrom": [{"configMapRef": {"name": CONFIG}}, {"secretRef": {"name": SECRET}}],
        "env": ENVIRONMENT,
        "resources": {"requests": {"cpu": share(cpu, 4), "memory": share(memory, 2)}, "limits": limits(memory, cpu)},
        "securityContext": CONTAINER,
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            {"name": ACCOUNTS, "mountPath": f"{HOME}/{ACCOUNTS}", "readOnly": True},
        ],
    }


def limits(memory: str, cpu: str) -> Json:
    return {"cpu": cpu, "memory": memory}


def share(quantity: str, parts: int) -> str:
    """A part of a quantity, in the next smaller unit: share("1Gi", 2) is 512Mi, share("500m", 4) is 125m."""
    for unit, smaller, factor in (("Gi", "Mi", 1024), ("Mi", "Ki", 1024), ("m", "m", 1), ("", "m", 1000)):
        if quantity.endswith(unit):
            number = float(quantity.removesuffix(unit))
            return f"{int(number * factor / parts)}{smaller}"
    raise ValueError(quantity)


def pod(spec: Json, grace: int, *, home: Json = HOME_DISK) -> Json:
    """What every pod of ours has. None of them speaks to Kubernetes. `home`: the disk of NIGHTWARD_HOME."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD,
        "terminationGracePeriodSeconds": grace,
        **spec,
        "volumes": [
            {"name": "home", **home},
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": ACCOUNTS, "secret": {"secretName": ACCOUNTS, "optional": True}},
            *spec.get("volumes", []),
        ],
    }


def deployment(process: Process) -> Json:
    """Of a process that is scaled the number is left to what scales it, or each `apply` would set it back."""
    one = container(process.name, process.command, memory=process.memory, cpu=process.cpu)
    if process.listens:
        one |= _listening()
    spec: Json = {"containers": [one]}
    if process.least > 1:
        spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
        spec["topologySpreadConstraints"] = [{**spread, "labelSelector": {"matchLabels": labels(process.name)}}]
    fixed = {} if process.most > process.least else {"replicas": process.least}
    made = named("Deployment", "apps/v1", process.name, spec={
        **fixed,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": labels(process.name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(process.name)}, "spec": pod(spec, process.grace)},
    })  # fmt: skip
    made["metadata"]["annotations"] = {"nightward/title": process.title}
    if process.review:
        made["metadata"]["annotations"]["nightward/review"] = process.review.isoformat()
    return made


def _listening() -> Json:
    def asked(path: str, **times: int) -> Json:
        return {"httpGet": {"path": path, "port": "http", "httpHeaders": PROBE_HEADERS}, "timeoutSeconds": 5, **times}

    # All web pods are without these at once: to take them all out of the Service would end the bookings too.
    without = urlencode([("exclude", name) for name in DISPENSABLE])
    return {
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": asked("/livez", periodSeconds=2, failureThreshold=60),
        "livenessProbe": asked("/livez", periodSeconds=10, failureThreshold=6),
        "readinessProbe": asked(f"/readyz?{without}", periodSeconds=5, failureThreshold=2),
        # The endpoints forget a pod that ends only after a moment: until then it still answers.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
    }


def disruption_budget(process: Process) -> Json:
    """One of them may be taken away at a time."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": labels(process.name)}}
    return named("PodDisruptionBudget", "policy/v1", process.name, spec=spec)


def horizontal(name: str, least: int, most: int) -> Json:
    """Scaling by processor and memory [S4-14]."""
    measures = [("cpu", 70), ("memory", 80)]
    metrics = [
        {"type": "Resource", "resource": {"name": n, "target": {"type": "Utilization", "averageUtilization": share}}}
        for n, share in measures
    ]
    return named("HorizontalPodAutoscaler", "autoscaling/v2", name, spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": metrics,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    })  # fmt: skip


def scaled(process: Process) -> Json:
    """Scaling by the length of its queue, or by its consumer's lag on the stream [S4-15]."""
    address: Json = {"addressFromEnv": "REDIS_ADDRESS"}
    if process.queue:
        trigger = {"type": "redis", "metadata": {
            **address, "listName": f"rq:queue:{process.queue}", "listLength": str(process.per),
        }}  # fmt: skip
    else:
        trigger = {"type": "redis-streams", "metadata": {
            **address, "stream": STREAM, "consumerGroup": process.consumer,
            "lagCount": str(process.per), "activationLagCount": "0",
        }}  # fmt: skip
    return named("ScaledObject", "keda.sh/v1alpha1", process.name, spec={
        "scaleTargetRef": {"name": process.name},
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "minReplicaCount": process.least,
        "maxReplicaCount": process.most,
        "triggers": [{**trigger, "authenticationRef": {"name": REDIS_AUTH}}],
    })  # fmt: skip


def cron_job(entry: Entry) -> Json:
    """One command of the clock, for all regions that expect it; not begun again while it runs."""
    name = entry.command.replace("_", "-")
    return periodic(
        f"cron-{name}", (*MANAGE, "run_schedule", entry.command), schedule=entry.cron,
        deadline=50 if entry.cron == "* * * * *" else 600,
    )  # fmt: skip


def periodic(name: str, command: tuple[str, ...], *, schedule: str, deadline: int, volumes: Json | None = None) -> Json:
    """A CronJob. `deadline`: seconds within which a start that was missed is made up."""
    spec = with_disks(container(name, command, memory="512Mi", cpu="500m"), volumes or {})
    return named("CronJob", "batch/v1", name, spec={
        "schedule": schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": deadline,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 86_400,
            "template": {"metadata": {"labels": labels(name)}, "spec": pod(spec, 60)},
        }},
    })  # fmt: skip


def with_disks(one: Json, disks: Json) -> Json:
    """A pod of this one container, with the claims of these names at these paths; it is not begun again."""
    mounts = [{"name": name, "mountPath": path} for name, path in disks.items()]
    claims = [{"name": name, "persistentVolumeClaim": {"claimName": f"nightward-{name}"}} for name in disks]
    one["volumeMounts"] = [*one["volumeMounts"], *mounts]
    return {"restartPolicy": "Never", "containers": [one], "volumes": claims}


def backup_job() -> Json:
    """Every night, before the claims' window."""
    command = (*MANAGE, "backup", BACKUPS, "--no-keys")
    return periodic("backup", command, schedule="15 19 * * *", deadline=3600, volumes={"backups": BACKUPS})


def collector() -> Json:
    """Two of them [S4-18]. Its configuration is deploy/collector/config.yaml, in the ConfigMap nightward-collector."""
    one: Json = {
        "name": "collector",
        "image": COLLECTOR_IMAGE,
        "args": ["--config", "/etc/otelcol/config.yaml"],
        "ports": [
            {"name": "otlp-grpc", "containerPort": 4317},
            {"name": "otlp-http", "containerPort": 4318},
            {"name": "metrics", "containerPort": 8888},
        ],
        "env": [
            {"name": name, "valueFrom": {"configMapKeyRef": {"name": CONFIG, "key": name}}}
            for name in ("TRACES_ENDPOINT", "TRACES_INSECURE")
        ],
        "readinessProbe": {"tcpSocket": {"port": "otlp-http"}, "periodSeconds": 5},
        "livenessProbe": {"tcpSocket": {"port": "otlp-http"}, "periodSeconds": 20},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": limits("512Mi", "500m")},
        "securityContext": CONTAINER,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/otelcol", "readOnly": True}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": POD,
        "containers": [one],
        "volumes": [{"name": "config", "configMap": {"name": "nightward-collector"}}],
    }
    return named("Deployment", "apps/v1", "collector", spec={
        "replicas": 2,
        "selector": {"matchLabels": labels("collector")},
        "template": {"metadata": {"labels": labels("collector")}, "spec": spec},
    })  # fmt: skip
