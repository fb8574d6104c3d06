"""The parameters of billing's jobs, in the API's schema: what billing/jobs.py takes."""

from typing import Any

from backoffice.rest.openapi import add_parameters, object_of

NAME = "BillingParameters"
CHUNK = {
    "type": "integer",
    "minimum": 1,
    "maximum": 1000,
    "default": 200,
    "description": "Services or claims a commit.",
}
PARAMETERS = {
    "description": "What claims are made, sent and read with: claim_services takes the size of a chunk, submit_claims, "
    "list_claim_files and process_claim_files nothing.",
    "anyOf": [object_of({}, (), "Nothing."), object_of({"chunk": CHUNK}, (), "claim_services only.")],
}


def describe_parameters(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A post-processing hook of drf-spectacular."""
    return add_parameters(result, NAME, PARAMETERS)
