"""Kubernetes' Jobs that a person applies: the migrations of a release, and the pod in which a back-up is put back."""

from backoffice.deploy.compose import BACKUPS
from backoffice.deploy.kubernetes import Json, container, labels, named, pod, with_disks

WAITS = 12 * 3600


def migrate_job(command: tuple[str, ...]) -> Json:
    """Run before new code is: its migrations suit the old code as well. It is the first of all, when there is no disk
    yet, and needs none."""
    spec = {"restartPolicy": "Never", "containers": [container("migrate", command, memory="1Gi", cpu="1")]}
    return named("Job", "batch/v1", "migrate", spec={
        "backoffLimit": 2,
        "ttlSecondsAfterFinished": 86_400,
        "template": {"metadata": {"labels": labels("migrate")}, "spec": pod(spec, 60, home={"emptyDir": {}})},
    })  # fmt: skip


def restore_job() -> Json:
    """A pod with the settings and both disks, which does nothing: `restore` is given in it, by a person who first looks
    which back-up there is and clears the home. It ends by itself."""
    spec = with_disks(container("restore", ("sleep", str(WAITS)), memory="1Gi", cpu="1"), {"backups": BACKUPS})
    return named("Job", "batch/v1", "restore", spec={
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": 86_400,
        "template": {"metadata": {"labels": labels("restore")}, "spec": pod(spec, 5)},
    })  # fmt: skip
