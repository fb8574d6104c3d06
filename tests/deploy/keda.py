"""What we use of KEDA's custom resources, as JSON schemas: Kubernetes' own published schemas do not have them.

Taken from the reference of KEDA 2.16: https://keda.sh/docs/2.16/reference/scaledobject-spec/ and the pages of the
scalers redis-lists and redis-streams. Whatever else is written there is refused, a misspelt key above all.
"""

from typing import Any

Json = dict[str, Any]
NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
TEXT = {"type": "string", "minLength": 1}
METADATA = {"type": "object", "required": ["name"]}


def closed(required: dict[str, Any], **more: Any) -> Json:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **more},
        "additionalProperties": False,
    }


def of(kind: str, spec: Json) -> Json:
    return closed(
        {"apiVersion": {"const": "keda.sh/v1alpha1"}, "kind": {"const": kind}, "metadata": METADATA, "spec": spec}
    )


def trigger(kind: str, metadata: Json) -> Json:
    return closed({"type": {"const": kind}, "metadata": metadata, "authenticationRef": closed({"name": TEXT})})


LISTS = trigger("redis", closed({"addressFromEnv": TEXT, "listName": TEXT, "listLength": NUMBER}))
STREAMS = trigger(
    "redis-streams",
    closed(
        dict.fromkeys(("addressFromEnv", "stream", "consumerGroup"), TEXT)
        | dict.fromkeys(("lagCount", "activationLagCount"), NUMBER)
    ),
)
COUNT = {"type": "integer", "minimum": 0}
SCHEMAS = {
    "ScaledObject": of(
        "ScaledObject",
        closed(
            {
                "scaleTargetRef": closed({"name": TEXT}),
                "minReplicaCount": COUNT,
                "maxReplicaCount": {"type": "integer", "minimum": 1},
                "triggers": {"type": "array", "minItems": 1, "items": {"oneOf": [LISTS, STREAMS]}},
            },
            pollingInterval=COUNT,
            cooldownPeriod=COUNT,
        ),
    ),
    "TriggerAuthentication": of(
        "TriggerAuthentication",
        closed({"secretTargetRef": {"type": "array", "items": closed({"parameter": TEXT, "name": TEXT, "key": TEXT})}}),
    ),
}
