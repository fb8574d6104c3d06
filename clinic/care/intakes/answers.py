"""The answers of a QuestionnaireResponse (FHIR R4). Pure: a document in, values out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_LINK = 255


class NotReadable(ValueError):
    """The document is not what FHIR describes; the message names the place, and nothing that was answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """`number` counts the answers of one linkId from 0, over repeated groups too; `value` is JSON text."""

    link_id: str
    number: int
    kind: str
    value: str = field(repr=False)


def answers_of(document: Mapping[str, Any]) -> Iterator[Answer]:
    """In the order of the document; NotReadable."""
    seen: Counter[str] = Counter()
    for link_id, answer in _walk(document):
        kinds = [name for name in answer if name.startswith("value") and len(name) > len("value")]
        if len(kinds) > 1 or (not kinds and "item" not in answer and "extension" not in answer):
            raise NotReadable(f"An answer of item {link_id} has no value[x], or several.")
        for kind in kinds:
            value = json.dumps(answer[kind], sort_keys=True, ensure_ascii=False)
            yield Answer(link_id=link_id, number=seen[link_id], kind=kind.removeprefix("value")[:20], value=value)
            seen[link_id] += 1


def _walk(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(linkId, answer) of each; items lie in groups and below answers, at any depth."""
    waiting: list[Any] = list(reversed(_objects(document, "item")))
    while waiting:
        item = waiting.pop()
        link_id = item.get("linkId")
        if not isinstance(link_id, str) or not 0 < len(link_id) <= LONGEST_LINK:
            raise NotReadable(f"Each item has a linkId of 1 to {LONGEST_LINK} characters.")
        below = _objects(item, "item")
        for answer in _objects(item, "answer"):
            yield link_id, answer
            below += _objects(answer, "item")
        waiting += reversed(below)


def _objects(of: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = of.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NotReadable(f"{name} is a list of objects.")
    return found[:]
