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
    "rerun_pipeline": "claims.jobs.RERUN_PIPELINE",
    "undo_pipeline": "claims.jobs.UNDO_PIPELINE",
    "submit_claims": "billing.jobs.SUBMIT_CLAIMS",
    "claim_services": "billing.jobs.CLAIM_SERVICES",
    "list_claim_files": "billing.jobs.LIST_CLAIM_FILES",
    "process_claim_files": "billing.jobs.PROCESS_CLAIM_FILES",
    "check_eligibility": "clinic.care.jobs.CHECK_ELIGIBILITY",
    "track_appointment_states": "clinic.care.jobs.TRACK_STATES",
    "upload_video": "clinic.uploads.jobs.UPLOAD_VIDEO",
    "report": "clinic.reports.jobs.REPORT",
    "failure_lab": "backoffice.lab.jobs.FAILURE_LAB",
}


@cache
def job_named(name: str) -> Job:
    """The declaration of a job; Misuse lists the names when there is none such."""
    if name not in JOBS:
        raise Misuse(f"No job is called {name!r}. Jobs: {', '.join(sorted(JOBS))}.")
    job = import_string(JOBS[name])
    return cast(Job, job)
