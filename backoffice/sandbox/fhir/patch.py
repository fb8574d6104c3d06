"""JSON Patch and FHIRPath Patch, as much of them as changes the lists and elements at the top of a resource."""

import base64
import binascii
import re
from copy import deepcopy
from typing import Any, Final

from backoffice.sandbox.fhir import exact
from backoffice.sandbox.fhir.outcome import Problem

Json = dict[str, Any]
_ITEM: Final = re.compile(r"Patient\.(\w+)\[(\d+)\]")


def patched(resource: Json, patch: Any) -> Json:
    """A changed copy. `patch` is a list of JSON Patch, a Binary that holds one, or Parameters. Raises Problem."""
    if isinstance(patch, dict) and patch.get("resourceType") == "Binary":
        try:
            patch = exact.read(base64.b64decode(patch["data"], validate=True))
        except (KeyError, ValueError, binascii.Error):
            raise Problem(400, "invalid", "the Binary holds no patch") from None
    try:
        if isinstance(patch, list):
            return _json_patched(deepcopy(resource), patch)
        if isinstance(patch, dict) and patch.get("resourceType") == "Parameters":
            return _fhirpath_patched(deepcopy(resource), patch["parameter"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Problem(422, "processing", f"the patch does not apply: {error}") from None
    raise Problem(415, "not-supported", "neither JSON Patch nor FHIRPath Patch")


def _json_patched(resource: Json, operations: list[Json]) -> Json:
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        target: Any = resource
        for part in way:
            target = target[int(part)] if isinstance(target, list) else target[part]
        key: Any = (len(target) if last == "-" else int(last)) if isinstance(target, list) else last
        match operation["op"]:
            case "add" if isinstance(target, list):
                target.insert(key, operation["value"])
            case "replace" if isinstance(target, dict) and key not in target:
                raise KeyError(key)
            case "add" | "replace":
                target[key] = operation["value"]
            case "remove":
                del target[key]
            case "test" if target[key] == operation["value"]:
                pass
            case other:
                raise ValueError(other)
    return resource


def _fhirpath_patched(resource: Json, operations: list[Json]) -> Json:
    for operation in operations:
        parts = {
            part["name"]: next(value for name, value in part.items() if name != "name") for part in operation["part"]
        }
        if parts["type"] == "add" and parts["path"] == "Patient":
            resource.setdefault(parts["name"], []).append(parts["value"])
        elif parts["type"] == "delete" and (item := _ITEM.fullmatch(parts["path"])):
            del resource[item[1]][int(item[2])]
            if not resource[item[1]]:
                del resource[item[1]]
        else:
            raise ValueError(parts["type"])
    return resource
