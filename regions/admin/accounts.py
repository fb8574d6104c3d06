"""Users, roles, second factors and locks. Superusers only: whoever manages them can become anybody."""

from typing import TYPE_CHECKING, Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.access import ACCOUNTS
from backoffice.look import AdminPasswordChangeForm, CheckboxSelectMultiple, UserChangeForm, UserCreationForm
from backoffice.staffadmin import StaffAdmin
from regions.models import Region

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin

for model in (User, Group, TOTPDevice, AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class AccountForm(UserChangeForm):  # type: ignore[misc]  # unfold has no types
    """A user with the regions that they work for."""

    regions = forms.ModelMultipleChoiceField(Region.objects.all(), required=False, widget=CheckboxSelectMultiple)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["regions"].initial = self.instance.regions.all() if self.instance.pk else ()


@admin.register(User)
class StaffUserAdmin(_UserAdmin, StaffAdmin):
    """Users are switched off, never deleted: the audit log names them."""

    region_path = None
    view_verb = change_verb = add_verb = ACCOUNTS
    form = AccountForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "regions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles are few: boxes to tick, which fit every screen."""
        return super().formfield_for_manytomany(db_field, request, **{"widget": CheckboxSelectMultiple(), **kwargs})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "regions" in form.cleaned_data:
            form.instance.regions.set(form.cleaned_data["regions"])


@admin.register(Group)
class RoleAdmin(StaffAdmin):
    """The roles; what each may do is fixed in backoffice/access.py."""

    region_path = None
    view_verb = ACCOUNTS
    fields = ("name",)
    search_fields = ("name",)


@admin.register(TOTPDevice)
class SecondFactorAdmin(StaffAdmin):
    """To delete one is how a lost authenticator is replaced: its user enrols anew. The secret is not shown."""

    region_path = None
    view_verb = delete_verb = ACCOUNTS
    list_display = ("user", "name", "confirmed", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "name", "confirmed", "created_at", "last_used_at", "throttling_failure_count")


@admin.register(AccessAttempt)
class FailedSignInAdmin(StaffAdmin):
    """Who is locked out, or near it; to delete a row unlocks at once."""

    region_path = None
    view_verb = delete_verb = ACCOUNTS
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "failures_since_start")
