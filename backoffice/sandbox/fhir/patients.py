"""Makes patients: mostly ordinary ones, and one in fifty of each kind that a phone sync must tell apart."""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

SYSTEM: Final = "https://fhir.kemkes.go.id/id/nik"
OTHER_SYSTEM: Final = "https://hospital.example/mrn"
SPECIAL: Final = ("duplicate", "foreign", "merged", "inactive", "no_phone", "rich")
GIVEN: Final = ("Siti", "Budi", "Dewi", "Agus", "Rina", "Joko", "Ayu", "Hendra", "Wati", "Putra", "Lestari", "Bayu")
FAMILY: Final = ("Santoso", "Wijaya", "Pratama", "Saputra", "Hidayat", "Nugroho", "Rahayu", "Kusuma", "Siregar")
Json = dict[str, Any]


def generate(count: int, *, seed: int = 1, system: str = SYSTEM) -> Iterator[Json]:
    """`count` identifier values, a patient each and two for a duplicate or a foreign one; the same for the same seed.

    Every 50 values hold each of SPECIAL once, whatever the seed; patients of other seeds share no id and no value.
    """
    random = Random(seed)  # noqa: S311 (made-up patients, no secret)
    mark = f"{random.getrandbits(24):06x}"
    for number in range(count):
        place = number % 50
        kind = SPECIAL[place - 40] if 40 <= place < 40 + len(SPECIAL) else "ordinary"
        yield from _of_kind(kind, f"{mark}-{number:06d}", nik(seed, number), system, random)


def nik(seed: int, number: int) -> str:
    """The identifier of the `number`-th patient: 16 digits that do not sort by number."""
    return f"33{seed % 10_000:04d}{number * 7_368_787 % 10**10:010d}"


def _of_kind(kind: str, key: str, value: str, system: str, random: Random) -> Iterator[Json]:
    patient = _patient(f"pat-{key}", [{"use": "official", "system": system, "value": value}], random)
    if kind == "no_phone":
        patient["telecom"] = [{"system": "email", "value": f"{key}@example.org"}]
    if kind == "rich":
        patient |= _rich(patient["telecom"])
    if kind == "inactive":
        patient["active"] = False
    if kind == "merged":
        patient["link"] = [{"other": {"reference": f"Patient/pat-{key}-b"}, "type": "replaced-by"}]
        yield _patient(f"pat-{key}-b", [{"system": OTHER_SYSTEM, "value": f"M-{key}"}], random)
    if kind == "foreign":
        patient["identifier"][0]["system"] = OTHER_SYSTEM
    if kind == "duplicate":
        yield _patient(f"pat-{key}-b", [{"system": system, "value": value}], random)
    yield patient


def _patient(key: str, identifiers: list[Json], random: Random) -> Json:
    """An ordinary one: a mobile phone, perhaps a phone at home and an e-mail address before it."""
    mobile: Json = {"system": "phone", "value": f"+628{random.randrange(10**9, 10**10)}", "use": "mobile"}
    others: list[Json] = [
        {"system": "phone", "value": f"(0281) {random.randrange(10**6):06d}", "use": "home"},
        {"system": "email", "value": f"{key}@example.org", "rank": 2},
    ]
    return {
        "resourceType": "Patient",
        "id": key,
        "active": True,
        "identifier": [*identifiers, {"system": f"{OTHER_SYSTEM}/visit", "value": f"V-{random.randrange(10**6)}"}],
        "name": [{"use": "official", "family": random.choice(FAMILY), "given": [random.choice(GIVEN)]}],
        "telecom": [*random.sample(others, random.randrange(3)), mobile],
        "gender": random.choice(("female", "male")),
        "birthDate": f"{random.randrange(1940, 2024)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}",
    }


def _rich(telecom: list[Json]) -> Json:
    """Elements that a sync has no idea of, and must give back as they are. \x00 marks a decimal (exact.py)."""
    verified = {"url": "https://example.org/verified", "valueBoolean": True}
    return {
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Pasien ☎ & co.</div>'},
        "extension": [
            {"url": "https://example.org/latitude", "valueDecimal": "\x00-7.4100"},
            {"url": "https://example.org/dose", "valueDecimal": "\x001.0e2"},
        ],
        "_birthDate": {"extension": [{"url": "https://example.org/born", "valueDateTime": "1980-01-01T05:00:00Z"}]},
        "contact": [{"name": {"text": "Ibu"}, "telecom": [{"system": "phone", "value": "0811", "use": "mobile"}]}],
        "telecom": [{"system": "phone", "use": "old", "value": "0811"}, *telecom[:-1], {**telecom[-1], "rank": 1,
                    "extension": [verified], "period": {"start": "2019-02-01"}}],
        "multipleBirthInteger": 2,
    }  # fmt: skip
