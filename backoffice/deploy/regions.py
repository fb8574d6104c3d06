"""One region's overlay, from its file: its nightly jobs in pods of the size that the file gives them [S1-05] [S1-32].

A region's jobs are worked by their own pod (--here), so that its memory and processor are its own, and it can be given
another image than the others, to roll one region back alone.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backoffice.deploy.cluster import kustomization
from backoffice.deploy.kubernetes import ACCOUNTS, IMAGE, limits, periodic
from backoffice.deploy.processes import MANAGE
from backoffice.deploy.rendered import folder
from backoffice.runs.faults import Misuse

Json = dict[str, Any]
DEFAULTS = {
    "memory": "256Mi", "cpu": "0.5", "timeout": "900", "max_instances": "1", "min_instances": "0", "concurrency": "1",
}  # fmt: skip
PATTERNS = {
    "memory": (re.compile(r"[1-9][0-9]*(Mi|Gi)"), "such as 256Mi"),
    "cpu": (re.compile(r"[1-9][0-9]*m?|[0-9]+\.[0-9]*[1-9]"), "such as 0.5 or 500m"),
    "timeout": (re.compile(r"[1-9][0-9]{0,5}"), "a number of seconds, such as 900"),
    # A job of a region has one live run, and none between its nights.
    "max_instances": (re.compile("1"), "1: a region has one run at a time"),
    "min_instances": (re.compile("0"), "0: between its runs nothing of a region runs"),
    "concurrency": (re.compile("1"), "1: a region has one run at a time; concurrency_per_run is of the calls in it"),
}
# A key of the secret that each pod sees as this folder; what lies elsewhere in NIGHTWARD_HOME no pod is given.
ACCOUNT = re.compile(rf"{ACCOUNTS}/[-.\w]+", re.ASCII)
NOTED = ("project_id", "service_name", "region", "platform")
# Kubernetes appends eleven characters to a CronJob's name, for the jobs that come of it.
LONGEST_NAME = 52


@dataclass(frozen=True, kw_only=True, slots=True)
class Nightly:
    """A job that a region has where its file says `needs`; `at`: in the region's zone, as cron writes it."""

    name: str
    needs: str
    arguments: tuple[str, ...]
    at: str


NIGHTLY = (
    Nightly(
        name="recover", needs="HOSPITAL_GRAPHQL_URL", arguments=("recover_services", "--days", "7"), at="0 22 * * *"
    ),
    Nightly(name="sync", needs="SPREADSHEET_ID", arguments=("sync_phones", "--fresh"), at="0 1 * * *"),
)


def region_overlay(document: Mapping[str, Any], *, namespace: str, tag: str, image: str = IMAGE) -> dict[str, str]:
    """Path → text, of a region's file as it is exported; Misuse names each key that cannot be had. `image`: with its
    registry, without its tag."""
    given = {**DEFAULTS, **{key: value for key, value in document.items() if key in DEFAULTS}}
    wrong = [f"{key}: must be {PATTERNS[key][1]}" for key, value in given.items() if not _fits(key, value)]
    if not ACCOUNT.fullmatch(str(document.get("credential_file") or f"{ACCOUNTS}/none")):
        wrong.append(f"credential_file: must be {ACCOUNTS}/NAME.json, as the secret {ACCOUNTS} is mounted")
    jobs = [job for job in NIGHTLY if job.needs in document.get("env_vars", {})]
    if not jobs:
        needs = " or ".join(job.needs for job in NIGHTLY)
        wrong.append(f"env_vars: has neither {needs}, so that nothing is to be run at night")
    if wrong:
        raise Misuse(f"{document['name']}: " + "; ".join(wrong))
    files = {f"{job.name}.yaml": _cron_job(job, document, given) for job in jobs}
    renamed = {} if image == IMAGE else {"newName": image}
    images = [{"name": IMAGE, **renamed, "newTag": tag}]
    made = kustomization(namespace=namespace, resources=sorted(files), images=images)
    return folder(f"regions/{document['name']}", made, files)


def _fits(key: str, value: object) -> bool:
    return isinstance(value, str) and bool(PATTERNS[key][0].fullmatch(value))


def _cron_job(job: Nightly, document: Mapping[str, Any], given: Mapping[str, str]) -> Json:
    region = document["name"]
    command = (*MANAGE, job.arguments[0], "--region", region, *job.arguments[1:], "--wait", "--here")
    made = periodic(_name(job.name, region), command, schedule=job.at, deadline=3600)
    made["metadata"]["labels"]["nightward/region"] = region
    made["metadata"]["annotations"] = {f"nightward/{key}": document[key] for key in NOTED if document.get(key)}
    spec = made["spec"]
    spec["timeZone"] = document["time_zone"]
    spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] = int(given["timeout"])
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    size = limits(given["memory"], given["cpu"])
    pod["containers"][0]["resources"] = {"requests": size, "limits": size}
    return made


def _name(job: str, region: str) -> str:
    name = f"{job}-{region}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(region.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9].rstrip('-')}-{digest}"
