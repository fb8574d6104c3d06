"""Everything below /api/."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from backoffice.rest.answers import no_such_path
from backoffice.rest.docs import DocsView, SchemaView
from backoffice.runs.api import RunViewSet
from billing.api import BatchViewSet, ClaimViewSet, DocumentViewSet
from claims.api import AccumulatorViewSet, NightViewSet
from clinic.api import MissingServiceViewSet
from clinic.booking.api.appointments import AppointmentViewSet
from clinic.booking.api.availability import AvailabilityViewSet, HoldViewSet
from clinic.booking.api.catalogue import AppointmentTypeViewSet, ResourceViewSet, ScheduleViewSet
from clinic.booking.api.waitlist import WaitlistViewSet
from clinic.care.api.eligibility import EligibilityReportViewSet, InsuranceViewSet
from clinic.care.api.intakes import IntakeViewSet
from clinic.events.api import ConsumerViewSet, InboundView
from clinic.notices.api import InboundView as TwilioInboundView
from clinic.notices.api import StatusView as TwilioStatusView
from clinic.patients.api import PatientViewSet
from clinic.uploads.api import DETAIL as UPLOAD
from clinic.uploads.api import LIST as UPLOADS

router = SimpleRouter()
router.register("v1/runs", RunViewSet, basename="run")
router.register("v1/missing-services", MissingServiceViewSet, basename="missing-service")
router.register("v1/nights", NightViewSet, basename="night")
router.register("v1/batches", BatchViewSet, basename="batch")
router.register("v1/claims", ClaimViewSet, basename="claim")
router.register("v1/documents", DocumentViewSet, basename="document")
router.register("v1/consumers", ConsumerViewSet, basename="consumer")
router.register("v1/accumulators", AccumulatorViewSet, basename="accumulator")
router.register("v1/patients", PatientViewSet, basename="patient")
router.register("v1/resources", ResourceViewSet, basename="resource")
router.register("v1/appointment-types", AppointmentTypeViewSet, basename="appointment-type")
router.register("v1/schedules", ScheduleViewSet, basename="schedule")
router.register("v1/availability", AvailabilityViewSet, basename="availability")
router.register("v1/holds", HoldViewSet, basename="hold")
router.register("v1/appointments", AppointmentViewSet, basename="appointment")
router.register("v1/waitlist", WaitlistViewSet, basename="waitlist")
router.register("v1/intakes", IntakeViewSet, basename="intake")
router.register("v1/insurance", InsuranceViewSet, basename="insurance")
router.register("v1/eligibility-reports", EligibilityReportViewSet, basename="eligibility-report")

urlpatterns = [
    *router.urls,
    # As it is given to senders; each other path ends with a slash, and so may this one.
    re_path("^v1/events/(?P<channel>lis|pos)/?$", InboundView.as_view(), name="inbound-events"),
    path("v1/notices/twilio/status/", TwilioStatusView.as_view(), name="twilio-status"),
    path("v1/notices/twilio/inbound/", TwilioInboundView.as_view(), name="twilio-inbound"),
    # Not the router's: HEAD of tus is an action of its own.
    path("v1/uploads/", UPLOADS, name="upload-list"),
    re_path("^v1/uploads/(?P<pk>[0-9]{1,18})/$", UPLOAD, name="upload-detail"),
    path("v1/schema/", SchemaView.as_view(), name="api-schema"),
    path("v1/docs/", DocsView.as_view(), name="api-docs"),
    # Last: an API's client is not helped by an HTML page, nor by a redirect that turns its POST into a GET.
    re_path("", no_such_path),
]
