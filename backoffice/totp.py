"""The second factor: one page of the admin site that enrols an authenticator and asks for its code.

REQUIRE_TOTP asks it of everybody. Without the setting it is asked of whoever has enrolled.
"""

import base64
from typing import TYPE_CHECKING, Any

import django_otp
import qrcode
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.plugins.otp_totp.models import TOTPDevice
from qrcode.image.svg import SvgPathImage

from backoffice.access import second_factor_given

if TYPE_CHECKING:
    _Site = AdminSite
else:
    _Site = object


class TotpRequired(_Site):
    """Mixin for the admin site, before AdminSite: its pages open after the second factor, at `admin:second_factor`."""

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor_given(request.user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and super().has_permission(request) and not second_factor_given(request.user):
            target = request.GET.get("next", "")
            return redirect_to_login(target, reverse("admin:second_factor"))
        return super().login(request, extra_context)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [path("second-factor/", self.second_factor, name="second_factor"), *super().get_urls()]

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters("code"))
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Enrol while the user has no device, else ask for the code; a code that fits opens the admin."""
        user = request.user
        if not isinstance(user, User) or not super().has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        device = device_of(user)
        wrong = False
        if request.method == "POST" and not (device.confirmed and second_factor_given(user)):
            if accept(request, user, device):
                return redirect(_target(request))
            wrong = True
        context = {
            **self.each_context(request),
            "title": "Second factor",
            "done": device.confirmed and second_factor_given(user),
            "wrong": wrong,
            "may_go_back": second_factor_given(user),
            "next": _target(request),
            **({} if device.confirmed else enrolment(device)),
        }
        return TemplateResponse(request, "admin/second_factor.html", context)


def device_of(user: User) -> TOTPDevice:
    """The user's authenticator, or one that waits to be confirmed by its first code."""
    devices = TOTPDevice.objects.filter(user=user).order_by("-confirmed", "pk")
    return devices.first() or TOTPDevice.objects.create(user=user, name="authenticator", confirmed=False)


def accept(request: HttpRequest, user: User, device: TOTPDevice) -> bool:
    """Whether the posted code fits; then the session is verified, and a new device confirmed. Wrong codes slow down."""
    accepted = django_otp.verify_token(user, device.persistent_id, request.POST.get("code", "").replace(" ", ""))
    if accepted is None:
        return False
    if not accepted.confirmed:
        accepted.confirmed = True
        accepted.save(update_fields=["confirmed"])
    request.session.cycle_key()
    django_otp.login(request, accepted)
    return True


def enrolment(device: TOTPDevice) -> dict[str, str]:
    """The new device's secret as a picture and as text; never shown again once it is confirmed."""
    picture = qrcode.make(device.config_url, image_factory=SvgPathImage, border=2).to_string()
    secret = base64.b32encode(device.bin_key).decode().rstrip("=")
    return {
        "picture": "data:image/svg+xml;base64," + base64.b64encode(picture).decode(),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    }


def _target(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else reverse("admin:index")
