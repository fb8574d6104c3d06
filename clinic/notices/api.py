"""/api/v1/notices/twilio/: what Twilio tells, signed: what became of a message, and what people write back."""

import uuid
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, QueryDict
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice.adapters.sms import signature_is_valid
from backoffice.keyring import SecretUnreadable
from backoffice.rest.openapi import errors
from backoffice.rest.signed import Signed, refuse_long
from clinic.notices.opting import heed
from clinic.notices.receipts import note_receipt
from clinic.notices.wire import Inbound, Receipt
from regions.models import Region

REFUSED = "This is not signed with the auth token of the region's Twilio account."
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
REGION = OpenApiParameter("region", str, required=True, description="Whose account it is.")
FORM = "application/x-www-form-urlencoded"


class TwilioSignature(BaseAuthentication):
    """Who has the auth token of the region's account; `request.auth` is the region.

    The signature is of the address as Twilio was told it, which begins with PUBLIC_URL, and of the form. One answer
    for a region that there is not, one without an account, and a signature that is wrong.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Region] | None:
        if request.method != "POST":
            return None
        refuse_long(request)
        region = Region.objects.filter(name=request.query_params.get("region", "")).first()
        form = form_of(request)
        if region is None or not settings.PUBLIC_URL or not _is_signed(request, region, form):
            raise AuthenticationFailed(REFUSED)
        return AnonymousUser(), region

    def authenticate_header(self, request: Request) -> str:
        return 'Twilio-Signature realm="Nightward"'


def form_of(request: Request) -> Mapping[str, list[str]]:
    """The fields of the body, each with all of its values; empty where it is no form."""
    if not str(request.content_type or "").startswith(FORM):
        return {}
    return dict(QueryDict(request._request.body, encoding="utf-8").lists())


def _is_signed(request: Request, region: Region, form: Mapping[str, list[str]]) -> bool:
    try:
        account, token = region.env_vars.get("TWILIO_ACCOUNT_SID", ""), region.env_vars.get("TWILIO_AUTH_TOKEN", "")
    except SecretUnreadable:
        return False
    url = settings.PUBLIC_URL + request.get_full_path()
    signed = signature_is_valid(url, form, request.headers.get("X-Twilio-Signature", ""), token)
    return signed and form.get("AccountSid") == [account]


class TwilioScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes the signature."""

    target_class = TwilioSignature
    name = "twilio"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-Twilio-Signature",
            "description": "HMAC-SHA1 of the address and the form, as Twilio signs its webhooks.",
        }


class TwilioView(APIView):
    """The base of both."""

    authentication_classes = [TwilioSignature]
    permission_classes = [Signed]
    throttle_classes = ()
    parser_classes = [FormParser]
    http_method_names = ["post"]


class StatusView(TwilioView):
    """Delivery receipts."""

    @extend_schema(
        operation_id="notices_twilio_status_create",
        summary="Tell what became of a text message",
        description="Twilio's StatusCallback. What comes twice, late, or for no message of ours changes nothing.",
        parameters=[REGION, OpenApiParameter("notice", OpenApiTypes.UUID, description="Which message it is.")],
        request={FORM: Receipt},
        responses={204: OpenApiResponse(description="It is noted."), **errors(400, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        body = Receipt(data=request.data)
        body.is_valid(raise_exception=True)
        told = body.validated_data
        notice = _uuid(request.query_params.get("notice", ""))
        note_receipt(cast(Region, request.auth), notice, told["MessageSid"], told["MessageStatus"], told["ErrorCode"])
        return Response(status=204)


class InboundView(TwilioView):
    """What people write: STOP and START are heeded, everything else is let pass."""

    @extend_schema(
        operation_id="notices_twilio_inbound_create",
        summary="Tell what a person has written back",
        description="Twilio's webhook for incoming messages. STOP and START take effect at once; nothing is answered,"
        " since Twilio answers both itself. The text of anything else is not kept.",
        parameters=[REGION],
        request={FORM: Inbound},
        responses={(200, "text/xml"): OpenApiResponse(str, description="Empty TwiML."), **errors(400, 413, 415)},
    )
    def post(self, request: Request) -> HttpResponse:
        body = Inbound(data=request.data)
        body.is_valid(raise_exception=True)
        told = body.validated_data
        heed(cast(Region, request.auth), told["From"], told["Body"], told["MessageSid"], told["OptOutType"])
        return HttpResponse(NOTHING, content_type="text/xml")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
