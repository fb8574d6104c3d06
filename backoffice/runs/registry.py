"""The table of all jobs: name → dotted path of its declaration."""

from functools import cache
from typing import cast

from django.utils.module_loading import import_string

from backoffice.runs.faults import Misuse
from backoffice.runs.job import Job

JOBS = {
    "recover_services": "clinic.jobs.RECOVER_SERVICES",
    "sync_phones": "regions.jobs.SYNC_PHONES",
    "run_pipeline": "claims.jobs.RUN_PIPELINE",
    "failure_lab": "backoffice.lab.jobs.FAILURE_LAB",
}


@cache
def job_named(name: str) -> Job:
    """The declaration of a job; Misuse lists the names when there is none such."""
    if name not in JOBS:
        raise Misuse(f"No job is called {name!r}. Jobs: {', '.join(sorted(JOBS))}.")
    job = import_string(JOBS[name])
    return cast(Job, job)
