"""The protocol's headers (tus 1.0.0), read strictly, and what an upload looks like as JSON."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from django.utils.http import http_date
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from backoffice.rest.pages import PageQuery
from backoffice.rest.strict import Text, WholeNumber
from clinic.uploads.models import Upload
from clinic.uploads.writing import ALGORITHMS, Checksum

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum,expiration"
OCTETS = "application/offset+octet-stream"
LONGEST_METADATA = 4000
_NUMBER = re.compile(r"[0-9]{1,15}")
_KEY = re.compile(r"[!-+\--~]{1,60}")  # ASCII without blanks and commas
Headers = Mapping[str, str]


def whole_number(headers: Headers, name: str) -> int:
    """The header's value, a number from 0; ValidationError (400)."""
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise ValidationError({name: ["Send it, as a whole number from 0."]})
    return int(text)


def metadata(headers: Headers) -> dict[str, str]:
    """Upload-Metadata: key → value, decoded; ValidationError never repeats one."""
    name = "Upload-Metadata"
    text = headers.get(name, "")
    if len(text) > LONGEST_METADATA:
        raise ValidationError({name: [f"At most {LONGEST_METADATA} characters."]})
    found: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise ValidationError({name: ["Keys are ASCII without blanks or commas, each once."]})
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except ValueError:
            raise ValidationError({name: ["Values are UTF-8 in base64."]}) from None
    return found


def row_number(values: Mapping[str, str], name: str) -> int | None:
    """The number of a row that the metadata names; None where it names none."""
    if name not in values:
        return None
    if not _NUMBER.fullmatch(values[name]):
        raise ValidationError({"Upload-Metadata": [f"{name} is the number of a row."]})
    return int(values[name])


def checksum(headers: Headers) -> Checksum | None:
    """Upload-Checksum, where it is sent; ValidationError for an algorithm that is not served."""
    name = "Upload-Checksum"
    if name not in headers:
        return None
    algorithm, _, text = headers[name].partition(" ")
    if algorithm not in ALGORITHMS:
        raise ValidationError({name: [f"Served are: {', '.join(ALGORITHMS)}."]})
    try:
        return Checksum(algorithm=algorithm, digest=base64.b64decode(text, validate=True))
    except ValueError:
        raise ValidationError({name: ["The algorithm, a blank, the digest in base64."]}) from None


def expires(upload: Upload) -> dict[str, str]:
    """Upload-Expires, of one of which something is missing."""
    if upload.state != Upload.State.UPLOADING:
        return {}
    return {"Upload-Expires": http_date(upload.expires_at.timestamp())}


class UploadQuery(PageQuery):
    region = Text(max_length=60, required=False, help_text="Only of this region.")
    patient = WholeNumber(in_query=True, required=False, min_value=1, help_text="Only of this patient.")
    state = serializers.ChoiceField(Upload.State.choices, required=False)


class UploadRow(serializers.ModelSerializer[Upload]):
    region = serializers.SlugRelatedField[Any](slug_field="name", read_only=True)

    class Meta:
        model = Upload
        fields = (
            "id", "region", "patient", "appointment", "state", "kind", "length", "offset", "problem", "created_at",
            "expires_at", "received_at", "processed_at",
        )  # fmt: skip


@extend_schema_serializer(many=False)
class UploadPage(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = UploadRow(many=True)
