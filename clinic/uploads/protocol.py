"""What each endpoint of tus 1.0.0 does alike: the version, headers of every answer, methods in the guise of POST."""

from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from clinic.patients.acting import ActingViewSet
from clinic.uploads.refusals import ChecksumMismatch, NotThisVersion
from clinic.uploads.wire import VERSION

OVERRIDE = "X-HTTP-Method-Override"
# What a client may call by POST where its network knows no other methods.
OVERRIDDEN = ("PATCH", "DELETE", "HEAD", "OPTIONS")


class TusViewSet(ActingViewSet):
    """`versionless`: actions that are not the protocol's, or ask what it is."""

    http_method_names = ["get", "head", "post", "patch", "delete", "options"]
    versionless: ClassVar[frozenset[str]] = frozenset({"list", "retrieve", "metadata"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        asked = request.headers.get(OVERRIDE, "").upper()
        if request.method == "POST" and asked in OVERRIDDEN:
            request.method = asked
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action not in self.versionless and request.headers.get("Tus-Resumable") != VERSION:
            raise NotThisVersion

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Tus-Resumable"] = VERSION
        if answer.status_code == NotThisVersion.status_code:
            answer["Tus-Version"] = VERSION
        if answer.status_code == ChecksumMismatch.status_code:
            answer.reason_phrase = "Checksum Mismatch"
        return answer
