"""The API's tokens: made here, shown once, revoked, never deleted."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_cache_control

from backoffice.access import ACCOUNTS, may
from backoffice.look import CheckboxSelectMultiple
from backoffice.staffadmin import StaffAdmin
from regions.models import TOKEN_VERBS, VERB_TITLES, ApiToken, beyond_owner, digest_of, new_token_text, token_prefix

if TYPE_CHECKING:
    _TokenForm = forms.ModelForm[ApiToken]
else:
    _TokenForm = forms.ModelForm


class TokenForm(_TokenForm):
    """A new token. Engineers are its owner themselves; `maker` is set by the page."""

    maker: User
    verbs = forms.MultipleChoiceField(
        choices=[(verb, f"{VERB_TITLES[verb].capitalize()} ({verb})") for verb in TOKEN_VERBS],
        widget=CheckboxSelectMultiple,
    )

    class Meta:
        model = ApiToken
        fields = ("name", "owner", "verbs", "regions", "expires_at")
        widgets = {"regions": CheckboxSelectMultiple}

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at <= timezone.now():
            raise forms.ValidationError("This must lie in the future.")
        return expires_at

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        owner = data.get("owner", self.maker)
        if owner is not None and "regions" in data and "verbs" in data:
            for problem in beyond_owner(owner, data["regions"], data["verbs"]):
                self.add_error(None, problem)
        return data


@admin.register(ApiToken)
class ApiTokenAdmin(StaffAdmin):
    """Engineers make tokens in their own name, superusers in anybody's: a token acts as its owner."""

    region_path = None
    view_verb = "configure"
    add_verb = "configure"
    form = TokenForm
    list_display = ("name", "prefix", "owner", "allows", "in_regions", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("owner",)
    search_fields = ("name", "prefix")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        tokens = super().get_queryset(request).prefetch_related("regions")
        return tokens if may(request.user, ACCOUNTS) else tokens.filter(owner__pk=request.user.pk)

    @admin.display(description="May")
    def allows(self, token: ApiToken) -> str:
        return ", ".join(VERB_TITLES.get(verb, verb) for verb in token.verbs)

    @admin.display(description="Regions")
    def in_regions(self, token: ApiToken) -> str:
        return ", ".join(region.display_name for region in token.regions.all())

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        owner = ["owner"] if may(request.user, ACCOUNTS) else []
        if obj is None:
            return ["name", *owner, "verbs", "regions", "expires_at"]
        dates = ("expires_at", "created_at", "last_used_at", "revoked_at")
        return ["name", *owner, "allows", "in_regions", "prefix", *dates]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **options)
        form.maker = request.user
        return form

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        text = new_token_text()
        obj.digest, obj.prefix = digest_of(text), token_prefix(text)
        if "owner" not in form.cleaned_data:
            obj.owner = form.maker
        super().save_model(request, obj, form, change)
        obj.text = text

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the token, this once: not by a message, which would wait in the session."""
        context = {**self.admin_site.each_context(request), "title": "API token", "token": obj}
        response = TemplateResponse(request, "admin/regions/token_made.html", context)
        patch_cache_control(response, no_store=True)
        return response

    @admin.action(description="Revoke", permissions=["configure"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        tokens = list(queryset.filter(revoked_at=None))
        for token in tokens:
            # One by one: the audit log sees instances.
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
        self.message_user(request, f"{len(tokens)} revoked.")
