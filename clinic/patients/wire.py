"""What patients look like over the API: contacts go in and do not come out."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from backoffice.access import shown
from backoffice.rest.strict import IsoDate, Pattern, StrictSerializer, Text
from clinic.patients.models import Patient
from regions import keys

NO_NUL = r"^[^\x00]*$"
# RFC 5646, 2.1: language, script, region, variants, extensions, private use. Languages of more letters are none yet.
LANGUAGE_TAG = (
    r"[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?"
)
# As far ahead as a clock is anywhere: where it is tomorrow already, somebody was born today.
FURTHEST_AHEAD = timedelta(hours=14)


class PatientBody(StrictSerializer):
    """A patient by the hospital's reference; what is left out stays as it was, an empty text forgets it."""

    region = Text(max_length=60)
    external_id = Text(max_length=120)
    given_name = Pattern(NO_NUL, max_length=120, required=False, allow_blank=True)
    family_name = Pattern(NO_NUL, max_length=120, required=False, allow_blank=True)
    birth_date = IsoDate(required=False)
    phone = Pattern(r"^(\+[1-9][0-9]{6,14})?$", required=False, allow_blank=True, help_text="E.164, as +13125550100.")
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    push_token = Pattern(NO_NUL, max_length=400, required=False, allow_blank=True)
    language = Pattern(
        rf"^({LANGUAGE_TAG})?$",
        max_length=35,
        required=False,
        allow_blank=True,
        help_text="A BCP 47 tag, as en, es-419 or zh-Hant-TW.",
    )
    time_zone = Text(max_length=64, required=False, allow_blank=True, help_text="Empty: the region's.")

    def validate_birth_date(self, value: date) -> str:
        if value > (timezone.now() + FURTHEST_AHEAD).date():
            raise serializers.ValidationError("A birth date does not lie ahead.")
        return str(value.isoformat())

    def validate_time_zone(self, value: str) -> str:
        if value and (problem := keys.time_zone_problem(value)):
            raise serializers.ValidationError(f"This {problem}.")
        return value


class PatientRow(serializers.ModelSerializer[Patient]):
    """A patient's number here, by which the other endpoints name it."""

    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)
    external_id = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = ("id", "region", "external_id", "language", "time_zone", "created_at", "changed_at")

    def get_external_id(self, row: Patient) -> str:
        return shown(self.context["request"].user, row.external_id)
