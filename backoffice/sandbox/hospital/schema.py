"""hospital.graphql, executed over a store: the stated limits, the faults of single fields, and the error codes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from backoffice.sandbox.faults import Occasion
from backoffice.sandbox.hospital.faults import WRITE_ERRORS
from backoffice.sandbox.hospital.records import (
    Activity,
    Appointment,
    Page,
    ServiceInput,
    ServiceSession,
    SessionInput,
    WriteError,
)
from backoffice.sandbox.hospital.store import BadCursor, Store
from backoffice.sandbox.traffic import Traffic

SDL: Final = Path(__file__).with_name("hospital.graphql")
MAX_PAGE: Final = 500
MAX_IDS: Final = 200
MAX_DOCUMENTS: Final = 256
Answer = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request on its way through the resolvers; mutated says whether it has executed a mutation."""

    store: Store
    traffic: Traffic
    occasion: Occasion
    refused_blocks: Mapping[str, str]
    mutated: bool = False


class Payload(NamedTuple):
    """CreateServiceSessionPayload: a session, or errors."""

    session: ServiceSession | None
    errors: list[WriteError]


class Document(NamedTuple):
    """A query text once parsed, or why it cannot be executed."""

    node: DocumentNode | None
    errors: list[GraphQLError]


class Schema:
    """Executes documents. Parsing and validating happen once per distinct text, since a backoffice sends a handful of
    texts a hundred thousand times.
    """

    def __init__(self) -> None:
        self._schema = _build()
        self._documents: dict[str, Document] = {}

    def execute(self, call: Call, query: str, variables: dict[str, Any] | None, operation: str | None) -> Answer:
        """The response object: data, errors, or both. Never raises for what a client sent."""
        document = self._document(query)
        if document.node is None:
            return {"errors": [_formatted(error) for error in document.errors]}
        result = execute_sync(
            self._schema, document.node, context_value=call, variable_values=variables, operation_name=operation
        )
        answer: Answer = {"data": result.data}
        if result.errors:
            answer["errors"] = [_formatted(error) for error in result.errors]
            if all(error.path is None for error in result.errors):
                del answer["data"]  # not executed, so there is no data, not even null
        return answer

    def _document(self, query: str) -> Document:
        document = self._documents.get(query)
        if document is None:
            document = self._read(query)
            if len(self._documents) >= MAX_DOCUMENTS:
                self._documents.clear()
            self._documents[query] = document
        return document

    def _read(self, query: str) -> Document:
        try:
            node = parse(query)
        except GraphQLError as error:
            return Document(None, [error])
        errors = validate(self._schema, node)
        return Document(None if errors else node, errors)


def _formatted(error: GraphQLError) -> Answer:
    """As sent. Without a path the request itself is at fault; with one and without a code, this sandbox is."""
    formatted: Answer = dict(error.formatted)
    code = "BAD_REQUEST" if error.path is None else "INTERNAL"
    formatted["extensions"] = {"code": code, **(error.extensions or {})}
    return formatted


@cache
def _build() -> GraphQLSchema:
    """The schema with its resolvers, once for all hospitals of a process: it knows a store only through Call."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))
    types = {name: one for name, one in schema.type_map.items() if isinstance(one, GraphQLObjectType)}
    for type_name, one in types.items():
        if not type_name.startswith("__"):
            for name, field in one.fields.items():
                field.resolve = _attribute(name)
    types["Appointment"].fields["activities"].resolve = _activities
    types["Mutation"].fields["createServiceSession"].resolve = _create_service_session
    for name, query in _QUERIES.items():
        types["Query"].fields[name].resolve = _query(name, query)
    scalars = {name: one for name, one in schema.type_map.items() if isinstance(one, GraphQLScalarType)}
    moment, amount = scalars["DateTime"], scalars["Decimal"]
    moment.parse_value = moment.coerce_input_value = _instant  # type: ignore[method-assign]
    amount.serialize = amount.coerce_output_value = str  # type: ignore[method-assign,assignment]
    return schema


def _attribute(name: str) -> Callable[..., Any]:
    """Reads blockCode from .block_code."""
    get = attrgetter(re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower())

    def resolve(source: Any, _info: GraphQLResolveInfo[Call]) -> Any:
        return get(source)

    return resolve


def _activities(source: Appointment, info: GraphQLResolveInfo[Call]) -> tuple[Activity, ...]:
    return info.context.store.activities.get(source.id, ())


def _query(name: str, answer: Callable[[Store, Answer], Any]) -> Callable[..., Any]:
    def resolve(_root: None, info: GraphQLResolveInfo[Call], **arguments: Any) -> Any:
        call = info.context
        call.traffic.count(name)
        if call.occasion.fires(f"lookup:{name}", str(info.path.key)):
            raise GraphQLError(f"{name} could not be answered", extensions={"code": "INTERNAL"})
        return answer(call.store, arguments)

    return resolve


def _create_service_session(_root: None, info: GraphQLResolveInfo[Call], **arguments: Any) -> Payload:
    call = info.context
    wanted = _session_input(arguments["input"])
    call.mutated = True
    call.traffic.count("createServiceSession")
    call.traffic.keys_received.append(wanted.idempotency_key)
    field = str(info.path.key)
    for code in WRITE_ERRORS:
        if call.occasion.fires(f"write:{code}", field):
            return Payload(None, [WriteError(code, "refused by the sandbox's faults")])
    result = call.store.create_session(
        wanted, refused_blocks=call.refused_blocks, cancelled=call.occasion.fires("cancel_session", field)
    )
    return Payload(None, result) if isinstance(result, list) else Payload(result, [])


def _session_input(given: Mapping[str, Any]) -> SessionInput:
    return SessionInput(
        idempotency_key=given["idempotencyKey"],
        appointment_id=given["appointmentId"],
        case_id=given["caseId"],
        cost_center_id=given["costCenterId"],
        physician_id=given["physicianId"],
        services=tuple(ServiceInput(service["blockCode"], service["quantity"]) for service in given["services"]),
    )


def _appointments(store: Store, arguments: Answer) -> Page:
    if not 1 <= arguments["first"] <= MAX_PAGE:
        raise _bad_request(f"first must be 1..{MAX_PAGE}")
    try:
        return store.page(arguments["from"], arguments["to"], arguments["first"], arguments.get("after"))
    except BadCursor as error:
        raise _bad_request(str(error)) from error


def _service_sessions(store: Store, arguments: Answer) -> list[ServiceSession]:
    ids = arguments["appointmentIds"]
    if not 1 <= len(ids) <= MAX_IDS:
        raise _bad_request(f"appointmentIds must be 1..{MAX_IDS} ids")
    return store.sessions_of(ids)


def _bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def _instant(value: Any) -> str:
    """A DateTime argument in the store's form. A fraction is rounded up, since appointments start on whole seconds."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("DateTime must be such as 2026-11-22T08:00:00Z") from None
    if moment.tzinfo is None:
        raise GraphQLError("DateTime needs an offset or Z")
    moment = moment.astimezone(UTC)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_QUERIES: Final[Mapping[str, Callable[[Store, Answer], Any]]] = {
    "appointments": _appointments,
    "serviceSessions": _service_sessions,
    "serviceSessionByIdempotencyKey": lambda store, arguments: store.by_key.get(arguments["key"]),
    "serviceConfiguration": lambda store, arguments: store.configurations.get(arguments["typeCode"]),
    "costCenter": lambda store, arguments: store.cost_centers.get(arguments["departmentId"]),
    "responsiblePhysician": lambda store, arguments: store.physicians.get(arguments["departmentId"]),
    "case": lambda store, arguments: store.cases.get(arguments["id"]),
    "serviceBlock": lambda store, arguments: store.blocks.get(arguments["code"]),
}
