"""A town's sheet of any length with the answer to each row: every form of a phone, every kind of patient.

The answers are made together with the questions, by hand for each kind, and by nothing of the product.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from backoffice.sandbox.fhir import SYSTEM
from backoffice.sandbox.fhir.patients import OTHER_SYSTEM

Json = dict[str, Any]
ENDED: Final = "the day of the sync"
SOURCES: Final = ("WhatsApp", "front desk", "survey")

# What a cell makes of the national number 81234567890; all of them mean +6281234567890.
FORMS: Final[tuple[Callable[[str], Any], ...]] = (
    lambda n: f"0{n}",
    int,
    float,
    lambda n: f"{n}.0",
    lambda n: n,
    lambda n: f"+62 {n[:3]}-{n[3:7]}-{n[7:]}",
    lambda n: f"62{n}",
    lambda n: f"0062{n}",
    lambda n: f"{n[0]}.{n[1:]}E+10",
    lambda n: f"{n[0]},{n[1:]}e+10",
    lambda n: f"0{n}, 081355556666",
    lambda n: f"0{n} / 081355556666",
    lambda n: f"0812;0{n};081355556666",
    lambda n: f"0{n} atau 081355556666",
    lambda n: f"0{n}\n081355556666",
    lambda n: f"HP: 0{n[:3]} {n[3:7]} {n[7:]} (WA)",
    lambda n: f"tel:+62{n}",
    lambda n: f"(0{n[:3]}) {n[3:]}",
    lambda n: f"+62 (0) {n}",
    lambda n: f"{n[:2]}.{n[2:5]}.{n[5:8]}.{n[8:]}",
)
# Cells that mean no number, and why not.
BAD: Final[tuple[tuple[Any, str], ...]] = (
    ("8.12346E+10", "digits lost"),
    ("8,12346E+10", "digits lost"),
    (81234600000, "digits lost"),
    ("", "empty"),
    ("0812345", "too short"),
    ("tidak ada", "not a number"),
    ("0812345O7890", "not a number"),
    ("++6281234567890", "misplaced plus"),
    ("0812+3456789", "misplaced plus"),
    ("081234567890081345678901", "too long"),
)


@dataclass(kw_only=True)
class Town:
    """rows: (source, identifier, phone); outcomes and, where one is told, reasons by the sheet's row.

    patients: who is there before. telecom: by id, the numbers afterwards of who is changed, and their version.
    gone: ids that are deleted before the sync.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: dict[int, str] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    patients: list[Json] = field(default_factory=list)
    telecom: dict[str, list[Json]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    @property
    def updates(self) -> int:
        """Changes of patients in all."""
        return sum(self.versions.values()) - len(self.versions)


def town_of(rows: int, mark: str = "3303") -> Town:
    """So many rows; their identifiers begin with `mark`."""
    town = Town()
    number = 0
    while len(town.rows) < rows:
        turn, third = divmod(number, 3)
        person = _Person(f"{mark}{number:012d}", number)
        if third:
            _ordinary(town, number - turn - 1, person)
        else:
            KINDS[turn % len(KINDS)](town, turn // len(KINDS), person)
        number += 1
    return town


class _Person:
    """An identifier value and numbers of its own."""

    def __init__(self, value: str, number: int) -> None:
        self.value, self.id, self.number = value, f"p{value}", number

    def national(self, which: int = 0) -> str:
        return f"8{12 + which}{self.number:07d}{1 + self.number % 9}"

    def patient(self, suffix: str = "", **changes: Any) -> Json:
        identifier = {"use": "official", "system": SYSTEM, "value": self.value}
        return {
            "resourceType": "Patient",
            "id": self.id + suffix,
            "active": True,
            "identifier": [identifier, {"system": OTHER_SYSTEM, "value": f"M{self.number}"}],
            "name": [{"family": "Santoso", "given": ["Siti"]}],
            "telecom": [{"system": "email", "value": "a@example.org", "rank": 2}, _mobile("+62811000000")],
            "gender": "female",
            "extension": [{"url": "https://example.org/n", "valueInteger": self.number}],
            **changes,
        }

    def after(self, *which: int) -> list[Json]:
        """The usual telecom after these of the numbers were given, in turn."""
        numbers = ["+62811000000", *(f"+62{self.national(one)}" for one in which)]
        past = [_old(number) for number in reversed(numbers[:-1])]
        return [{"system": "email", "value": "a@example.org", "rank": 2}, _mobile(numbers[-1]), *past]


def _mobile(number: str, **more: Any) -> Json:
    return {"system": "phone", "value": number, "use": "mobile", **more}


def _old(number: str, **more: Any) -> Json:
    return {"system": "phone", "value": number, "use": "old", **more, "period": {"end": ENDED}}


def _row(town: Town, identifier: Any, phone: Any, outcome: str, reason: str = "") -> None:
    town.rows.append((SOURCES[len(town.rows) % len(SOURCES)], identifier, phone))
    row = len(town.rows) + 1
    town.outcomes[row] = outcome
    town.reasons |= {row: reason} if reason else {}


def _changed(town: Town, patient: Json, telecom: list[Json], times: int = 1) -> None:
    town.patients.append(patient)
    town.telecom[patient["id"]], town.versions[patient["id"]] = telecom, 1 + times


def _ordinary(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, FORMS[turn % len(FORMS)](person.national()), "updated")
    _changed(town, person.patient(), person.after(0))


def _bad_phone(town: Town, turn: int, person: _Person) -> None:
    cell, reason = BAD[turn % len(BAD)]
    _row(town, person.value, cell, "invalid_phone", reason)
    town.patients.append(person.patient())


def _duplicate(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "updated")
    for suffix in ("", "-b"):
        _changed(town, person.patient(suffix), person.after(0))


def _foreign(town: Town, turn: int, person: _Person) -> None:
    """Another system's identifier has the very value: never asked for, so never found."""
    _row(town, person.value, f"0{person.national()}", "not_found")
    town.patients.append(person.patient(identifier=[{"system": "https://elsewhere.example", "value": person.value}]))


def _both_systems(town: Town, turn: int, person: _Person) -> None:
    """One patient by our system, another by a foreign one."""
    _row(town, person.value, f"0{person.national()}", "updated")
    _changed(town, person.patient(), person.after(0))
    elsewhere = [{"system": "https://elsewhere.example", "value": person.value}]
    town.patients.append(person.patient("-x", identifier=elsewhere))


def _out_of_use(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "ambiguous", "foreign")
    town.patients.append(person.patient(identifier=[{"use": "old", "system": SYSTEM, "value": person.value}]))


def _merged(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "inactive_or_merged", "merged")
    link = [{"other": {"reference": f"Patient/{person.id}-into"}, "type": "replaced-by"}]
    elsewhere = [{"system": OTHER_SYSTEM, "value": f"M{person.number}"}]
    town.patients += [person.patient("-into", identifier=elsewhere), person.patient(link=link)]


def _inactive(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "inactive_or_merged", "inactive")
    town.patients.append(person.patient(active=False))


def _deleted(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "not_found")
    town.patients.append(person.patient())
    town.gone.append(person.id)


def _nobody(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "not_found")


def _has_it_already(town: Town, turn: int, person: _Person) -> None:
    national = person.national()
    _row(town, person.value, f"0{national}", "unchanged")
    written = f"+62 {national[:3]}-{national[3:7]}-{national[7:]}"
    town.patients.append(person.patient(telecom=[_mobile(written)]))


def _without_phone(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "updated")
    patient = person.patient()
    del patient["telecom"]
    _changed(town, patient, [_mobile(f"+62{person.national()}")])


def _several_phones(town: Town, turn: int, person: _Person) -> None:
    """Of two mobile numbers the one of the better rank; what has ended and what is at home is left alone."""
    _row(town, person.value, f"0{person.national()}", "updated")
    ended = _mobile("+62811000001", period={"start": "2001", "end": "2009-01-31"})
    home, second = {"system": "phone", "value": "(0281) 123456", "use": "home"}, _mobile("+62811000002", rank=3)
    first = _mobile("+62811000003", rank=1, extension=[{"url": "https://example.org/v", "valueBoolean": True}])
    new = _mobile(f"+62{person.national()}", rank=1)
    old = _old("+62811000003", extension=first["extension"])
    _changed(town, person.patient(telecom=[ended, home, second, first]), [ended, home, second, new, old])


def _two_numbers(town: Town, turn: int, person: _Person) -> None:
    """Two rows of one patient: both are written in turn, the later one stands."""
    _row(town, person.value, f"0{person.national(0)}", "updated")
    _row(town, person.value, f"0{person.national(1)}", "updated")
    _changed(town, person.patient(), person.after(0, 1), times=2)


def _twice_the_same(town: Town, turn: int, person: _Person) -> None:
    _row(town, person.value, f"0{person.national()}", "updated")
    _row(town, person.value, f"+62{person.national()}", "unchanged")
    _changed(town, person.patient(), person.after(0))


def _bad_identifier(town: Town, turn: int, person: _Person) -> None:
    """A number of sixteen digits, whose last ones a spreadsheet does not keep; and none."""
    _row(town, int(person.value) // 100 * 100, f"0{person.national()}", "invalid_identifier", "digits lost")
    _row(town, "", f"0{person.national()}", "invalid_identifier", "empty")
    town.patients.append(person.patient())


KINDS: Final = (
    _bad_phone, _duplicate, _foreign, _both_systems, _out_of_use, _merged, _inactive, _deleted, _nobody,
    _has_it_already, _without_phone, _several_phones, _two_numbers, _twice_the_same, _bad_identifier,
)  # fmt: skip


def hundreds(patients: list[Json]) -> Iterator[list[Json]]:
    """A hundred at a time."""
    for begin in range(0, len(patients), 100):
        yield patients[begin : begin + 100]
