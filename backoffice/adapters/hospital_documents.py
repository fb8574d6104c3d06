"""The GraphQL documents that are sent to the hospital, one root field each (hospital.graphql is the contract)."""

from typing import Final, NamedTuple


class Document(NamedTuple):
    """A query text and the root field that its answer is found under."""

    field: str
    text: str


def _query(parameters: str, field: str, arguments: str, selection: str) -> Document:
    return Document(field, f"query({parameters}){{{field}({arguments}){{{selection}}}}}")


_SESSION: Final = "id appointmentId services{blockCode quantity status}"

APPOINTMENTS: Final = _query(
    "$from:DateTime!,$to:DateTime!,$first:Int!,$after:String",
    "appointments",
    "from:$from,to:$to,first:$first,after:$after",
    "nodes{id start end status typeCode patientId departmentId practitionerId caseId activities{code quantity}}"
    " endCursor hasNextPage",
)
SESSIONS: Final = _query("$ids:[ID!]!", "serviceSessions", "appointmentIds:$ids", _SESSION)
SESSION_BY_KEY: Final = _query("$key:String!", "serviceSessionByIdempotencyKey", "key:$key", _SESSION)
CONFIGURATION: Final = _query(
    "$key:String!", "serviceConfiguration", "typeCode:$key", "typeCode rules{blockCode trigger activityCode}"
)
COST_CENTER: Final = _query("$key:ID!", "costCenter", "departmentId:$key", "id departmentId active")
PHYSICIAN: Final = _query("$key:ID!", "responsiblePhysician", "departmentId:$key", "id departmentId")
CASE: Final = _query("$key:ID!", "case", "id:$key", "id patientId type status")
BLOCK: Final = _query(
    "$key:String!", "serviceBlock", "code:$key", "code name status validFrom validTo price allowedCaseTypes"
)
CREATE_SESSION: Final = Document(
    "createServiceSession",
    "mutation($input:CreateServiceSessionInput!){createServiceSession(input:$input)"
    f"{{session{{{_SESSION}}} errors{{code blockCode}}}}}}",
)
