"""Procfile, compose file and manifests: as the list of processes has them, and as Kubernetes takes them."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from backoffice.deploy.kubernetes import share
from backoffice.deploy.yaml_text import as_yaml
from clinic.care.schedule.registry import schedule
from clinic.events.consumers import consumers
from tests.deploy.files import DEPLOY, KUBERNETES, OVERLAYS, built, documents, find, kubectl, objects, of_kind, pods
from tests.deploy.keda import SCHEMAS
from tests.processes import ROOT

Json = dict[str, Any]
VERSION = "1.31"


def valid(each: Json) -> None:
    """By the published schema of Kubernetes, unknown keys refused; of KEDA's kinds by what we use of them."""
    if each["kind"] in SCHEMAS:
        jsonschema.validate(each, SCHEMAS[each["kind"]])
    elif each["kind"] != "Kustomization":
        kubernetes_validate.validate(each, VERSION, strict=True)


def test_the_files_are_as_the_list_of_processes_has_them() -> None:
    call_command("render_deploy", "--check")


def test_a_file_that_was_changed_by_hand_is_named(tmp_path: Path, capsys: Any) -> None:
    call_command("render_deploy", "--root", str(tmp_path))
    assert "Procfile" in capsys.readouterr().out.split()
    call_command("render_deploy", "--check", "--root", str(tmp_path))
    with (tmp_path / "Procfile").open("a") as file:
        file.write("more: true\n")
    (tmp_path / "deploy/kubernetes/base/old.yaml").write_text("")
    with pytest.raises(CommandError) as refused:
        call_command("render_deploy", "--check", "--root", str(tmp_path))
    assert str(refused.value).splitlines() == [
        "Procfile: differs from the list",
        "deploy/kubernetes/base/old.yaml: is left over",
        "Run: manage.py render_deploy",
    ]
    call_command("render_deploy", "--root", str(tmp_path))
    assert capsys.readouterr().out.split() == ["Procfile"]


def test_each_object_is_one_that_kubernetes_takes() -> None:
    found = list(objects(KUBERNETES))
    assert len(found) > 50
    for each in found:
        valid(each)


def test_an_object_with_a_misspelt_key_is_refused() -> None:
    """What the tests above stand on."""
    wrong = find("Deployment", "web")
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        valid(wrong)
    scaled = find("ScaledObject", "consumer-notification")
    scaled["spec"]["triggers"][0]["metadata"]["lag"] = "5"
    with pytest.raises(jsonschema.ValidationError):
        valid(scaled)


FIRST = [f"overlays/{name}/{job}" for name in ("staging", "production") for job in ("migrate", "restore")]


@pytest.mark.parametrize("folder", [*OVERLAYS, *FIRST])
def test_each_overlay_builds(folder: str) -> None:
    """By kustomize where kubectl is installed; everywhere the files that it names are there, and what it patches."""
    (made,) = documents(KUBERNETES / folder / "kustomization.yaml")
    assert all((KUBERNETES / folder / name).exists() for name in made["resources"])
    for patch in made.get("patches", []):
        target = find(patch["target"]["kind"], patch["target"]["name"])
        for change in yaml.safe_load(patch["patch"]):
            reached(target, change["path"].split("/")[1 : -1 if change["op"] == "add" else None])
    if kubectl():
        found = built(folder)
        for each in found:
            valid(each)
        spaces = {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"}
        assert spaces == {made["namespace"]}
        images = {one["image"] for _, pod in pods(found) for one in pod["containers"] if "nightward" in one["image"]}
        assert images == {f"nightward:{made['images'][0]['newTag']}"}


def reached(value: Any, path: list[str]) -> None:
    for key in path:
        value = value[int(key) if isinstance(value, list) else key]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_migrations_need_nothing_that_is_applied_after_them(environment: str) -> None:
    """On a new cluster: the settings are their own, the same as the overlay's; there is no disk yet."""
    (job,) = objects(KUBERNETES / "migrate")
    pod = job["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume] == []
    folder = KUBERNETES / "overlays" / environment
    made = [literals(path) for path in (KUBERNETES / "base", folder, folder / "migrate")]
    assert made[2] == made[0] | made[1]
    (settings,) = documents(folder / "migrate/kustomization.yaml")[0]["configMapGenerator"]
    assert {"configMapRef": {"name": settings["name"]}} in pod["containers"][0]["envFrom"]


def test_staging_which_holds_a_copy_of_production_s_data_calls_no_vendor_and_mails_nobody() -> None:
    assert literals(KUBERNETES / "overlays/staging")["ONLY_HOSTS"] == "none"
    assert "ONLY_HOSTS" not in literals(KUBERNETES / "overlays/production")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_back_up_is_put_back_in_a_pod_with_the_settings_and_both_disks_before_anything_else_is_there(
    environment: str,
) -> None:
    (job, *disks) = objects(KUBERNETES / "restore")
    pod = job["spec"]["template"]["spec"]
    (backup,) = find("CronJob", "backup")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (one,) = pod["containers"]
    assert (one["volumeMounts"], one["envFrom"]) == (backup["volumeMounts"], backup["envFrom"])
    assert disks == list(of_kind("PersistentVolumeClaim").values())
    claimed = {volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["volumes"]}
    assert {disk["metadata"]["name"] for disk in disks} <= claimed
    folder = KUBERNETES / "overlays" / environment
    assert literals(folder / "restore") == literals(folder / "migrate")


def literals(folder: Path) -> dict[str, str]:
    """The settings that a kustomization makes a ConfigMap of."""
    (made,) = documents(folder / "kustomization.yaml")[0]["configMapGenerator"]
    return dict(line.split("=", 1) for line in made["literals"])


def test_the_api_has_two_replicas_behind_port_80_on_every_nodes_port_31432() -> None:
    """[S4-01] [S4-14]"""
    scaling = find("HorizontalPodAutoscaler", "web")["spec"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (2, 10)
    assert {metric["resource"]["name"] for metric in scaling["metrics"]} == {"cpu", "memory"}
    assert find("Service", "web")["spec"]["ports"][0]["port"] == 80
    (production,) = documents(KUBERNETES / "overlays/production/kustomization.yaml")
    changes = {change["path"]: change["value"] for change in yaml.safe_load(production["patches"][0]["patch"])}
    assert changes == {"/spec/type": "NodePort", "/spec/ports/0/nodePort": 31432}


def test_the_web_is_asked_whether_it_lives_and_whether_it_is_ready_as_the_proxy_would_ask() -> None:
    """[S4-01]"""
    (web,) = find("Deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert web["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz?exclude=accumulators&exclude=queue&exclude=disk"
    settings = literals(KUBERNETES / "base")
    headers = {header["name"]: header["value"] for header in web["readinessProbe"]["httpGet"]["httpHeaders"]}
    assert headers["Host"] in settings["ALLOWED_HOSTS"].split(",")
    assert (headers["X-Forwarded-Proto"], settings["BEHIND_PROXY"]) == ("https", "1")


def test_consumers_scale_by_their_lag_and_those_that_patients_and_billing_wait_for_never_below_two() -> None:
    """[S4-15] [S4-16]"""
    scaled = of_kind("ScaledObject")
    for name in ("notification", "pos-orders", "lis-sample-status"):
        spec = scaled[f"consumer-{name}"]["spec"]
        (trigger,) = spec["triggers"]
        assert trigger["type"] == "redis-streams"
        assert trigger["metadata"]["consumerGroup"] == name
        assert trigger["metadata"]["stream"] == "nightward:events"
        assert spec["maxReplicaCount"] > spec["minReplicaCount"] >= (1 if name == "lis-sample-status" else 2)
    assert {each.name for each in consumers() if each.on} == {
        spec["spec"]["triggers"][0]["metadata"]["consumerGroup"]
        for spec in scaled.values()
        if spec["spec"]["triggers"][0]["type"] == "redis-streams"
    }


def test_each_queue_has_workers_that_come_when_it_is_long_beside_the_ten_that_serve_all() -> None:
    """[S3-01] [S4-15]"""
    lists = {
        spec["spec"]["triggers"][0]["metadata"]["listName"]: name
        for name, spec in of_kind("ScaledObject").items()
        if spec["spec"]["triggers"][0]["type"] == "redis"
    }
    assert lists == {f"rq:queue:{queue}": f"worker-{queue}" for queue in settings.QUEUE_ORDER}
    pool = find("Deployment", "worker")["spec"]
    command = pool["template"]["spec"]["containers"][0]["command"]
    assert pool["replicas"] * int(command[command.index("--workers") + 1]) == 10
    assert "worker: python manage.py work --workers 10" in (ROOT / "Procfile").read_text().splitlines()


def test_what_nobody_uses_has_no_replica_and_shows_the_day_of_its_review() -> None:
    """[S4-06] [S4-17]"""
    checkup = find("Deployment", "consumer-checkup")
    assert checkup["spec"]["replicas"] == 0
    assert checkup["metadata"]["annotations"]["nightward/review"] == "2027-02-01"
    assert "consumer-checkup" not in of_kind("ScaledObject")
    (compose,) = documents(DEPLOY / "compose.yaml")
    assert compose["services"]["consumer-checkup"]["profiles"] == ["off"]
    assert "checkup" not in (ROOT / "Procfile").read_text()


def test_no_single_point_of_failure_is_left_where_two_can_run() -> None:
    """[S4-18] [S4-20]: the collector and the publisher are two; the clock is CronJobs, which the cluster starts."""
    deployments = of_kind("Deployment")
    assert deployments["collector"]["spec"]["replicas"] == 2
    assert deployments["publisher"]["spec"]["replicas"] == 2
    assert "cron" not in deployments
    budgets = set(of_kind("PodDisruptionBudget"))
    assert budgets == {"web", "worker", "publisher", "collector", "consumer-notification", "consumer-pos-orders"}


def test_each_command_of_the_schedule_has_its_cronjob_and_the_publisher_is_no_part_of_it() -> None:
    """[S4-08]"""
    jobs = of_kind("CronJob")
    commands = {
        job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][-1] for job in jobs.values()
    }
    assert set(schedule()) - {"publish_events"} <= commands
    assert {"check_alerts", "abandon_stale_runs", "forget_phones"} <= commands
    assert all(job["spec"]["concurrencyPolicy"] == "Forbid" for job in jobs.values())
    assert jobs["cron-list-claim-files"]["spec"]["schedule"] == "3-59/15 * * * *"
    assert jobs["cron-clean-up"]["spec"]["schedule"] == "40 2 * * *"


def test_no_pod_may_more_than_it_needs() -> None:
    """Not as root, on a root that is read only, without the cluster's token, within limits."""
    for each, spec in pods(objects(KUBERNETES)):
        assert spec["securityContext"]["runAsNonRoot"] is True, each["metadata"]["name"]
        assert spec["automountServiceAccountToken"] is False
        for one in spec["containers"]:
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert set(one["resources"]["limits"]) == {"cpu", "memory"}


def test_nobody_comes_into_a_pod_but_the_webs_and_the_collectors() -> None:
    policies = of_kind("NetworkPolicy")
    assert policies["nightward"]["spec"]["ingress"] == []
    assert set(policies["nightward"]["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert policies["web"]["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert policies["collector"]["spec"]["ingress"][0]["from"] == [policies_of_ours()]


def policies_of_ours() -> Json:
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "nightward"}}}


def test_the_compose_file_starts_each_process_after_the_migrations_and_waits_for_what_it_needs() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    services = compose["services"]
    ours = {name for name, each in services.items() if each["image"].startswith("nightward")}
    for name in ours - {"migrate", "backup"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for each in services.values():
        assert set(each.get("depends_on", {})) <= set(services)
        volumes = {volume.split(":")[0] for volume in each.get("volumes", []) if not volume.startswith(".")}
        assert volumes <= set(compose["volumes"])
    assert {"web", "worker", "publisher", "cron", "postgres", "valkey", "collector"} <= set(services)


def test_each_file_that_the_compose_file_mounts_or_reads_is_there() -> None:
    """Where one is not, a container runtime makes a folder of its name, and the collector never starts."""
    (compose,) = documents(DEPLOY / "compose.yaml")
    mounted = [volume for each in compose["services"].values() for volume in each.get("volumes", [])]
    files = [volume.split(":")[0] for volume in mounted if volume.startswith(".")]
    assert files == ["./collector/config.yaml"]
    assert all((DEPLOY / name).is_file() for name in files)
    read = {name for each in compose["services"].values() for name in each.get("env_file", [])}
    assert {(DEPLOY / f"{name}.example").is_file() for name in read} == {True}


def test_the_collector_is_told_all_that_its_configuration_asks_for() -> None:
    """[S4-09] One without the address of where traces are kept does not start."""
    asked = set(re.findall(r"\$\{env:([A-Z_]+)", (DEPLOY / "collector/config.yaml").read_text(encoding="utf-8")))
    (compose,) = documents(DEPLOY / "compose.yaml")
    told = compose["services"]["collector"]["environment"]
    assert asked == set(told) == {"TRACES_ENDPOINT", "TRACES_INSECURE"}
    assert all(value.partition(":-")[2].strip("}") for value in told.values())
    (pod,) = find("Deployment", "collector")["spec"]["template"]["spec"]["containers"]
    keys = {each["name"]: each["valueFrom"]["configMapKeyRef"]["key"] for each in pod["env"]}
    assert keys == {name: name for name in asked}
    assert all(literals(KUBERNETES / "base")[name] for name in asked)


def test_each_setting_of_the_example_reaches_the_processes_that_compose_starts() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert {"METRICS_TOKEN", "ALERT_MAIL_TO", "EMAIL_URL"} <= names
    for name, each in compose["services"].items():
        if each["image"].startswith("nightward"):
            assert each["env_file"] == [".env"], name
            assert each["build"]["args"]["NIGHTWARD_VERSION"] == "${NIGHTWARD_TAG:-latest}"


def test_every_setting_but_those_of_the_containers_themselves_can_stand_in_the_environment_s_file() -> None:
    """The compose file is stronger than it, and is not edited by hand."""
    (compose,) = documents(DEPLOY / "compose.yaml")
    for name, each in compose["services"].items():
        if each["image"].startswith("nightward"):
            fixed = {key for key, value in each["environment"].items() if not value.startswith(f"${{{key}:")}
            assert fixed == {"DATABASE_URL", "NIGHTWARD_HOME", "PORT"}, name
            assert each["environment"]["LOG_LEVEL"] == "${LOG_LEVEL:-INFO}"


def test_a_back_up_is_restored_beside_the_data_that_went_wrong_by_the_names_of_a_database_and_a_disk() -> None:
    (compose,) = documents(DEPLOY / "compose.yaml")
    for name, each in compose["services"].items():
        if each["image"].startswith("nightward"):
            assert each["environment"]["DATABASE_URL"].endswith("@postgres:5432/${POSTGRES_DB:-nightward}"), name
    assert compose["services"]["postgres"]["environment"]["POSTGRES_DB"] == "${POSTGRES_DB:-nightward}"
    assert compose["volumes"]["home"] == {"name": "${COMPOSE_PROJECT_NAME}_${HOME_DISK:-home}"}


def test_no_secret_stands_in_any_file() -> None:
    for path in [ROOT / "Procfile", *DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.json")]:
        for name in ("SECRET_KEY=", "FIELD_KEYS=", "password="):
            assert name not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("quantity", "parts", "share_of_it"),
    [("1Gi", 2, "512Mi"), ("512Mi", 2, "262144Ki"), ("500m", 4, "125m"), ("1", 4, "250m"), ("4", 4, "1000m")],
)
def test_a_part_of_a_quantity(quantity: str, parts: int, share_of_it: str) -> None:
    assert share(quantity, parts) == share_of_it


def test_a_value_that_stands_twice_is_written_twice() -> None:
    same = {"a": 1}
    assert "*" not in as_yaml([{"x": same, "y": same}])
    assert json.loads(json.dumps(yaml.safe_load(as_yaml([{"x": same, "y": same}])))) == {"x": same, "y": same}
