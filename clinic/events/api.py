"""/api/v1/events/{lis,pos} for signed events from outside, and /api/v1/consumers/ for whoever watches the consumers."""

import time
from dataclasses import dataclass
from typing import Any, cast

import structlog
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice.keyring import SecretUnreadable
from backoffice.rest.errors import Conflict
from backoffice.rest.openapi import errors
from backoffice.rest.signed import Signed, refuse_long
from backoffice.rest.strict import StrictJSONParser
from backoffice.rest.views import ApiViewSet, of_token
from clinic.events.inbound.cloudevents import TYPES, CloudEvent, told_by
from clinic.events.inbound.signatures import BadSignature, verify
from clinic.events.inbound.storing import Message, OtherMessage, store
from clinic.events.standing import standings
from clinic.events.wire import ConsumerList, ConsumerRow, Taken
from regions.models import Region

log = structlog.get_logger(__name__)

REFUSED = "The message is not signed as this region's endpoint asks, or not within the last five minutes."


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Whose endpoint was called, with what."""

    region: Region
    message: str


class WebhookSignature(BaseAuthentication):
    """Who has the region's secret of the channel; `request.auth` says which region and which message.

    One answer for a region that there is not, one without a secret, and a signature that is wrong or old.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Sender] | None:
        if request.method != "POST":
            return None
        refuse_long(request)
        region = Region.objects.filter(name=request.query_params.get("region", "")).first()
        channel: str = request.parser_context["kwargs"]["channel"]
        try:
            secrets = region.env_vars.get(f"{channel.upper()}_WEBHOOK_SECRET", "").split() if region else []
            message = verify(_lower(request), request._request.body, secrets, now=time.time())
        except (BadSignature, SecretUnreadable):
            raise AuthenticationFailed(REFUSED) from None
        if region is None:
            raise AuthenticationFailed(REFUSED)
        return AnonymousUser(), Sender(region=region, message=message)

    def authenticate_header(self, request: Request) -> str:
        return 'Webhook-Signature realm="Nightward"'


class WebhookScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes the signature."""

    target_class = WebhookSignature
    name = "webhook"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Standard Webhooks: webhook-id, webhook-timestamp, and v1 signatures of HMAC-SHA256.",
        }


class CloudEventsParser(StrictJSONParser):
    """Structured mode's own media type."""

    media_type = "application/cloudevents+json"


class InboundView(APIView):
    """Takes one event of a channel."""

    authentication_classes = [WebhookSignature]
    permission_classes = [Signed]
    throttle_classes = ()
    parser_classes = [CloudEventsParser, StrictJSONParser]
    http_method_names = ["post"]

    @extend_schema(
        operation_id="events_create",
        summary="Send an event of a laboratory or a point of sale",
        description="CloudEvents 1.0, structured mode, signed as Standard Webhooks says. A webhook-id that comes"
        " again is answered alike, and does nothing twice; with another body it is 409, and is not stored.",
        parameters=[
            OpenApiParameter("channel", str, OpenApiParameter.PATH, enum=sorted(TYPES)),
            OpenApiParameter("region", str, required=True, description="Whose event it is."),
        ],
        request={"application/cloudevents+json": CloudEvent, "application/json": CloudEvent},
        responses={200: OpenApiResponse(Taken, description="It is stored."), **errors(400, 404, 409, 413, 415)},
    )
    def post(self, request: Request, channel: str) -> Response:
        body = CloudEvent(data=request.data)
        body.is_valid(raise_exception=True)
        event = body.validated_data
        if not event["type"].startswith(TYPES[channel]):  # type: ignore[index]  # the address allows no other
            raise ValidationError({"type": [f"Here are taken: {TYPES[channel]}*."]})  # type: ignore[index]
        sender = cast(Sender, request.auth)
        message = Message(channel=channel, protocol="webhook", id=sender.message, body=request._request.body)
        try:
            fresh = store(sender.region, message, [told_by(channel, event)])
        except OtherMessage:
            log.warning("webhook_id_of_another_message", region=sender.region.name, channel=channel)
            raise Conflict("This webhook-id was another message's, and this one is not stored.") from None
        return Response({"stored": fresh})


class ConsumerViewSet(ApiViewSet):
    """The consumers of events, for monitoring."""

    serializer_class = ConsumerRow
    required_verbs = {"list": "runs:read"}
    pagination_class = None

    @extend_schema(
        summary="Read how the consumers of events stand",
        description="Lag, its oldest event and failures are of the token's regions; pending and alive, of all.",
        responses={200: ConsumerList, **errors(400)},
    )
    def list(self, request: Request) -> Response:
        regions = list(of_token(Region.objects.all(), request, path="").values_list("pk", flat=True))
        rows = ConsumerRow(standings(regions), many=True, context={"now": timezone.now()})
        return Response({"results": rows.data})


def _lower(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
