"""What a message says: the region's template in the patient's language, else ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import dateformat, translation

from clinic.notices.models import Channel, Kind, Template
from clinic.notices.placeholders import BadTemplate, filled
from clinic.patients.models import Patient
from regions.models import Region

ENGLISH, SPANISH = "en", "es"
STOP_LINE = {ENGLISH: "Reply STOP to end.", SPANISH: "Responda STOP para no recibir más."}
DATES = {ENGLISH: ("l, F j", "g:i A"), SPANISH: (r"l j \d\e F", "H:i")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """The three texts of a kind, with placeholders or filled."""

    subject: str
    short: str
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message as a channel takes it; of SMS the subject is not sent."""

    subject: str
    body: str


def _text(subject: str, short: str) -> Text:
    return Text(subject=subject, short=f"{{clinic}}: {short}", body=f"{short}\n\n{{clinic}}")


OURS = {
    ENGLISH: {
        Kind.CONFIRMATION: _text("Your appointment", "Your appointment is booked for {day} at {time}."),
        Kind.REMINDER_MORNING: _text("Your appointment", "A reminder of your appointment on {day} at {time}."),
        Kind.REMINDER_BEFORE: _text("Your appointment", "We expect you on {day} at {time}."),
        Kind.RESCHEDULE: _text("Your appointment has moved", "Your appointment is now on {day} at {time}."),
        Kind.CANCELLATION: _text("Appointment cancelled", "Your appointment on {day} at {time} is cancelled."),
        Kind.MISSED: _text("We missed you", "We missed you on {day} at {time}. Please call us for another time."),
        Kind.BEDTIME: _text("Good night", "It is time for bed. Sleep well."),
        Kind.WAITLIST_OFFER: _text(
            "A time is free", "A time is free for you: {day} at {time}. It is yours if you call us by {until}."
        ),
    },
    SPANISH: {
        Kind.CONFIRMATION: _text("Su cita", "Su cita queda reservada para el {day} a las {time}."),
        Kind.REMINDER_MORNING: _text("Su cita", "Le recordamos su cita del {day} a las {time}."),
        Kind.REMINDER_BEFORE: _text("Su cita", "Le esperamos el {day} a las {time}."),
        Kind.RESCHEDULE: _text("Su cita ha cambiado", "Su cita es ahora el {day} a las {time}."),
        Kind.CANCELLATION: _text("Cita cancelada", "Su cita del {day} a las {time} queda cancelada."),
        Kind.MISSED: _text("No pudimos verle", "No pudimos verle el {day} a las {time}. Llámenos para otra cita."),
        Kind.BEDTIME: _text("Buenas noches", "Es hora de dormir. Que descanse."),
        Kind.WAITLIST_OFFER: _text(
            "Hay una hora libre", "Hay una hora libre: el {day} a las {time}. Es suya si nos llama antes del {until}."
        ),
    },
}


def letter_for(
    region: Region, patient: Patient, kind: str, channel: str, begins: datetime | None, until: datetime | None = None
) -> Letter:  # fmt: skip
    """The message in the patient's language, with the visit's time and the end of its offer, by the region's clocks."""
    language, text = text_of(region, kind, patient.language)
    values = values_for(region, str(patient.given_name), begins, language, until)
    try:
        return _letter(text, channel, language, values)
    except BadTemplate:  # written past the admin's check
        return _letter(OURS[ENGLISH][Kind(kind)], channel, ENGLISH, values)


def text_of(region: Region, kind: str, tag: str) -> tuple[str, Text]:
    """The text and its language: the tag, the tag's language, English; of each the region's own before ours."""
    rows = {row.language: row for row in Template.objects.filter(region=region, kind=kind)}
    for language in languages_of(tag):
        if row := rows.get(language):
            return language, Text(subject=row.subject, short=row.short, body=row.body)
        if language in OURS:
            return language, OURS[language][Kind(kind)]
    return ENGLISH, OURS[ENGLISH][Kind(kind)]


def languages_of(tag: str) -> Iterator[str]:
    """es-MX, es, en."""
    first, _, rest = tag.partition("-")
    if rest:
        yield f"{first.lower()}-{rest}"
    if tag:
        yield first.lower()
    yield ENGLISH


def values_for(
    region: Region, given_name: str, begins: datetime | None, language: str, until: datetime | None = None
) -> dict[str, str]:  # fmt: skip
    """What the placeholders stand for; day and time are empty where there is no visit, until without an offer."""
    day = clock = ""
    last = ", ".join(moment_in_words(until.astimezone(region.zone), language)) if until is not None else ""
    if begins is not None:
        day, clock = moment_in_words(begins.astimezone(region.zone), language)
    return {"given_name": given_name, "clinic": region.display_name, "day": day, "time": clock, "until": last}


def moment_in_words(local: datetime, language: str) -> tuple[str, str]:
    """Day and time as people of that language write them; as ISO has them where that is not known here."""
    base = language.partition("-")[0]
    if base not in DATES:
        return f"{local:%Y-%m-%d}", f"{local:%H:%M}"
    day, clock = DATES[base]
    with translation.override(base):
        return dateformat.format(local, day), dateformat.format(local, clock)


def _letter(text: Text, channel: str, language: str, values: dict[str, str]) -> Letter:
    subject = filled(text.subject, values)
    if channel == Channel.EMAIL:
        return Letter(subject=subject, body=filled(text.body, values))
    short = filled(text.short, values)
    if channel == Channel.SMS:
        base = language.partition("-")[0]
        short = f"{short} {STOP_LINE.get(base, STOP_LINE[ENGLISH])}"
    return Letter(subject=subject, body=short)


def preview(region: Region, text: Text, language: str, at: datetime) -> list[tuple[str, Letter]]:
    """The letters of each channel to a made-up patient, of a visit at `at`; BadTemplate."""
    values = values_for(region, "Maria", at, language, at)
    return [(channel, _letter(text, channel, language, values)) for channel in Channel.values]
