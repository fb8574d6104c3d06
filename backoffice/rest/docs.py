"""The schema and its page: for staff who are signed in, and for holders of a token. No other host is asked."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import resolve_url
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.settings import api_settings

from backoffice.access import may, second_factor_given


class StaffOrToken(BasePermission):
    """Staff with their second factor given and a role that sees something, or whoever sends a usable token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is not None:
            return True
        user: Any = request.user
        return bool(user and user.is_staff and second_factor_given(user) and may(user, "see"))


class SchemaView(SpectacularAPIView):
    """GET /api/v1/schema/: OpenAPI."""

    authentication_classes = [*api_settings.DEFAULT_AUTHENTICATION_CLASSES, SessionAuthentication]
    permission_classes = [StaffOrToken]
    throttle_classes = ()


class DocsView(SpectacularSwaggerSplitView):
    """GET /api/v1/docs/: the schema to read and to try, its script apart from the page as the CSP asks."""

    authentication_classes = SchemaView.authentication_classes
    permission_classes = [StaffOrToken]
    throttle_classes = ()
    url_name = "api-schema"

    def handle_exception(self, exc: Exception) -> Any:
        """A browser without a session is shown the log-in."""
        response = super().handle_exception(exc)
        if response.status_code == 401 and not self.request.headers.get("Authorization"):
            return redirect_to_login(self.request.get_full_path(), resolve_url(settings.LOGIN_URL))
        return response
