"""Patients in memory, every version of each, with an index of their identifiers; writes are kept in a journal."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from backoffice.sandbox.fhir import exact
from backoffice.sandbox.hospital.journal import Journal

Json = dict[str, Any]


class VersionConflict(Exception):
    """The patient is not in the version that the write was made for."""


class Store:
    """One server's patients. Readers need no lock: a version never changes; all writes share one lock."""

    def __init__(self, patients: Iterable[Json], journal: Journal) -> None:
        """Put `patients` in their first version, then replay `journal`."""
        self.written: list[tuple[str, int]] = []
        self._versions: dict[str, list[bytes]] = {}
        self._by_identifier: dict[tuple[str, str], tuple[str, ...]] = {}
        self._journal = journal
        self._lock = threading.Lock()
        for patient in patients:
            self._apply(patient)
        for entry in journal.entries:
            self._apply(exact.read(entry["put"].encode()))
            self.written.append((self._last_written, len(self._versions[self._last_written])))
        journal.entries.clear()

    def read(self, key: str, version: int | None = None) -> Json | None:
        """A patient, as it is or as it was."""
        versions = self._versions.get(key, [])
        number = len(versions) if version is None else version
        return exact.read(versions[number - 1]) if 1 <= number <= len(versions) else None

    def version(self, key: str) -> int:
        """The current one; 0 for nobody."""
        return len(self._versions.get(key, ()))

    def everybody(self) -> list[str]:
        """All ids, in the order in which they came."""
        return list(self._versions)

    def with_identifier(self, system: str | None, value: str) -> tuple[str, ...]:
        """Who has the value; system None: whatever the system; an empty one: none."""
        return self._by_identifier.get((system, value) if system is not None else (_ANY, value), ())

    def put(self, patient: Json, *, if_match: int | None = None, ours: bool = True) -> int:
        """Write a new version, or a first one, and return its number. Raises VersionConflict.

        Before it returns, the version is in the journal. `ours`: listed in `written`.
        """
        with self._lock:
            current = self.version(patient["id"])
            if if_match is not None and if_match != current:
                raise VersionConflict
            self._journal.append({"put": exact.write(patient).decode()})
            self._apply(patient)
            if ours:
                self.written.append((patient["id"], current + 1))
            return current + 1

    def close(self) -> None:
        """Release the journal, after a write that is under way."""
        with self._lock:
            self._journal.close()

    def _apply(self, patient: Json) -> None:
        key, versions = patient["id"], self._versions.setdefault(patient["id"], [])
        before = _identifiers(exact.read(versions[-1])) if versions else set()
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        meta = {**patient.get("meta", {}), "versionId": str(len(versions) + 1), "lastUpdated": now}
        versions.append(exact.write({**patient, "meta": meta}))
        after = _identifiers(patient)
        for token in before - after:
            self._by_identifier[token] = tuple(one for one in self._by_identifier[token] if one != key)
        for token in after - before:
            self._by_identifier[token] = (*self._by_identifier.get(token, ()), key)
        self._last_written = key


_ANY: Final = "\x00any"


def _identifiers(patient: Json) -> set[tuple[str, str]]:
    found = {(one.get("system", ""), one["value"]) for one in patient.get("identifier", []) if "value" in one}
    return found | {(_ANY, value) for _, value in found}
