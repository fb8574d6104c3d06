"""The compose file: all of it on one machine, with its PostgreSQL, its Valkey and its collector."""

from typing import Any

from backoffice.deploy.processes import MANAGE, MIGRATE, PORT, Process, on_one_machine

Json = dict[str, Any]
HOME, BACKUPS = "/var/lib/nightward", "/var/backups/nightward"
# Where the collector sends traces unless told otherwise; it starts without one, and drops them.
TRACES_ENDPOINT = "jaeger:4317"
COLLECTOR_IMAGE = "otel/opentelemetry-collector-contrib:0.116.0"
POSTGRES_IMAGE, VALKEY_IMAGE = "postgres:17", "valkey/valkey:8"
# A database and a disk by other names are how a back-up is restored beside what went wrong.
DATABASE = "${POSTGRES_DB:-nightward}"
HOME_DISK = "${COMPOSE_PROJECT_NAME}_${HOME_DISK:-home}"
DATABASE_URL = f"postgresql://nightward:${{POSTGRES_PASSWORD:?set it in deploy/.env}}@postgres:5432/{DATABASE}"
HARDENED: Json = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": ["/tmp"],  # noqa: S108 (a memory disk of the container's own)
    "init": True,
}


def compose() -> Json:
    """The file as a document. Secrets come from deploy/.env, which is no part of the repository."""
    ours = {process.name: _service(process) for process in on_one_machine()}
    return {
        "name": "nightward",
        "services": {**_theirs(), "migrate": _once(MIGRATE), **ours, "backup": _backup()},
        "volumes": {"home": {"name": HOME_DISK}, "backups": None, "postgres": None, "valkey": None},
    }


def _ours(command: tuple[str, ...]) -> Json:
    return {
        "image": "nightward:${NIGHTWARD_TAG:-latest}",
        "build": {
            "context": "..",
            "dockerfile": "deploy/Containerfile",
            "args": {"NIGHTWARD_VERSION": "${NIGHTWARD_TAG:-latest}"},
        },
        "command": list(command),
        "env_file": [".env"],  # whatever else settings.py reads; what stands below is stronger
        "environment": {
            "SECRET_KEY": "${SECRET_KEY:?set it in deploy/.env}",
            "FIELD_KEYS": "${FIELD_KEYS:?set it in deploy/.env}",
            "ALLOWED_HOSTS": "${ALLOWED_HOSTS:-localhost}",
            "BEHIND_PROXY": "${BEHIND_PROXY:-1}",
            "DATABASE_URL": DATABASE_URL,
            "REDIS_URL": "${REDIS_URL:-redis://valkey:6379/0}",
            "NIGHTWARD_HOME": HOME,
            "PORT": str(PORT),
            "WEB_CONCURRENCY": "${WEB_CONCURRENCY:-2}",
            "LOG_FORMAT": "${LOG_FORMAT:-json}",
            "LOG_LEVEL": "${LOG_LEVEL:-INFO}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "${OTEL_EXPORTER_OTLP_ENDPOINT:-http://collector:4318}",
        },
        "volumes": [f"home:{HOME}"],
        **HARDENED,
    }


def _service(process: Process) -> Json:
    service = {
        **_ours(process.command),
        "restart": "unless-stopped",
        "stop_grace_period": f"{process.grace}s",
        "depends_on": {
            "migrate": {"condition": "service_completed_successfully"},
            "valkey": {"condition": "service_healthy"},
        },
    }
    if not process.listens:
        service["healthcheck"] = {"disable": True}  # the image's own asks the web server
    if process.listens:
        service["ports"] = [f"127.0.0.1:{PORT}:{PORT}"]
    if not process.least:
        service["profiles"] = ["off"]
        service["labels"] = {"nightward.review": process.review.isoformat() if process.review else "none"}
    elif process.consumer or process.name == "publisher":
        service["deploy"] = {"replicas": process.least}
    return service


def _once(command: tuple[str, ...]) -> Json:
    healthy = {"postgres": {"condition": "service_healthy"}, "valkey": {"condition": "service_healthy"}}
    return {**_ours(command), "depends_on": healthy, "healthcheck": {"disable": True}, "restart": "no"}


def _backup() -> Json:
    """`docker compose run --rm backup`, from the host's cron."""
    service = _once((*MANAGE, "backup", BACKUPS, "--no-keys"))
    service["volumes"] = [*service["volumes"], f"backups:{BACKUPS}"]
    return {**service, "profiles": ["backup"]}


def _theirs() -> Json:
    return {
        "postgres": {
            "image": POSTGRES_IMAGE,
            "environment": {
                "POSTGRES_USER": "nightward",
                "POSTGRES_DB": DATABASE,
                "POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:?set it in deploy/.env}",
            },
            "volumes": ["postgres:/var/lib/postgresql/data"],
            "healthcheck": _check("pg_isready", "-U", "nightward"),
            "restart": "unless-stopped",
        },
        "valkey": {
            "image": VALKEY_IMAGE,
            "command": ["valkey-server", "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"],
            "volumes": ["valkey:/data"],
            "healthcheck": _check("valkey-cli", "ping"),
            "restart": "unless-stopped",
        },
        "collector": {
            "image": COLLECTOR_IMAGE,
            "command": ["--config", "/etc/otelcol/config.yaml"],
            "environment": {
                "TRACES_ENDPOINT": f"${{TRACES_ENDPOINT:-{TRACES_ENDPOINT}}}",
                "TRACES_INSECURE": "${TRACES_INSECURE:-false}",
            },
            "volumes": ["./collector/config.yaml:/etc/otelcol/config.yaml:ro"],
            "restart": "unless-stopped",
        },
    }


def _check(*command: str) -> Json:
    return {"test": ["CMD", *command], "interval": "5s", "timeout": "5s", "retries": 12}
