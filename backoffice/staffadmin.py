"""StaffAdmin, the class under every admin page: regions and their clocks, roles, masked patient data and its audit."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, ManyToManyField, Model, QuerySet
from django.forms.models import ModelChoiceField, ModelMultipleChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property

from backoffice import audit
from backoffice.access import ACCOUNTS, may, region_ids, scoped
from backoffice.columns import MaskedColumn, masked_column, told_column
from backoffice.look import ModelAdmin, TabularInline

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
    _Paginator = Paginator[Any]
else:
    _Admin, _Inline, _Paginator = ModelAdmin, TabularInline, Paginator

COUNT_LIMIT = 10_000


class Verbs:
    """Permissions from verbs instead of Django's rows; None: nobody, superusers included.

    `region_path` leads from the model to its region ("" where the rows are regions); None: the rows have no region.
    """

    region_path: str | None = "region"
    view_verb: str = "see"
    change_verb: str | None = None
    add_verb: str | None = None
    delete_verb: str | None = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, self.view_verb)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.change_verb is not None and may(request.user, self.change_verb)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.add_verb is not None and may(request.user, self.add_verb)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.delete_verb is not None and may(request.user, self.delete_verb)


class BoundedPaginator(_Paginator):
    """Counts to COUNT_LIMIT and offers the pages up to there: of a million rows nobody needs the exact number."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return min(rows.order_by()[:COUNT_LIMIT].count() if isinstance(rows, QuerySet) else len(rows), COUNT_LIMIT)


class StaffAdmin(Verbs, _Admin):
    """An admin page of staff: only rows of the user's regions (another's is 404), only what the role's verbs allow.

    A region is shown by its display name and a time by the clock of the row's region; `time_columns` are those of the
    class's own that give an instant.
    `patient_fields` are masked for roles without "patient_data", who can neither search nor sort nor filter by them.
    `audited`: views of a row and of a list are written to the audit log.
    For actions: permissions=["resolve"] and the like ask for the verb of that name.
    """

    patient_fields: tuple[str, ...] = ()
    time_columns: tuple[str, ...] = ()
    audited = False
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    paginator = BoundedPaginator

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_resolve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "resolve")

    def has_export_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "export")

    def has_configure_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, "configure")

    def has_start_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may start anything; which job, and whether only a preview, is for access.may_run."""
        return may(request.user, "start_recovery")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if self.region_path is None else scoped(rows, request.user, self.region_path)

    def page_at(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """A page of ours below the model's: behind the sign-in of the site."""
        return path(route, self.admin_site.admin_view(view), name=name)

    def check_may_see(self, request: HttpRequest) -> None:
        """403 for who may not see the model at all: first on each page of ours."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The row of that number, which another region's is not."""
        self.check_may_see(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, *_: object) -> HttpResponse:
        # Django would send the user to the index with a message that repeats the id.
        raise Http404

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        self._offer_visible(db_field, request, kwargs)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and db_field.name == self.region_path:
            field.label_from_instance = lambda obj: str(obj.display_name)  # type: ignore[method-assign]
        return field

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        self._offer_visible(db_field, request, kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _offer_visible(self, db_field: "Field[Any, Any]", request: HttpRequest, options: dict[str, Any]) -> None:
        """A form accepts only what its user could open: neither a list of choices nor a typed id leaves the regions."""
        related = self.admin_site._registry.get(db_field.related_model)  # type: ignore[arg-type]
        if "queryset" not in options and isinstance(related, StaffAdmin) and related.region_path is not None:
            options["queryset"] = related.get_queryset(request)

    # Patient data

    def shows_patients(self, request: HttpRequest) -> bool:
        return not self.patient_fields or may(request.user, "patient_data")

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._shown(request, super().get_list_display(request))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return self._shown(request, super().get_list_display_links(request, list_display) or ()) or None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.to_read(request, super().get_readonly_fields(request, obj))

    def to_read(self, request: HttpRequest, fields: Sequence[Any]) -> Sequence[Any]:
        """`fields` of a page, to be read only: each as this user may see it, those of patients in any case."""
        missing = [] if self.shows_patients(request) else [name for name in self.patient_fields if name not in fields]
        return self._shown(request, [*fields, *missing], linked=True)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._laid_out(request, obj, super().get_fields(request, obj))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (title, {**options, "fields": self._laid_out(request, obj, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _laid_out(self, request: HttpRequest, obj: Any, fields: Sequence[Any]) -> list[Any]:
        """The same, each once, but for what is a control of the page's form."""
        read = self.get_readonly_fields(request, obj)
        to_look_at = obj is not None and not self.has_change_permission(request, obj)
        shown = self._shown(request, fields, linked=True)
        laid_out = (
            column if to_look_at or column in read or isinstance(column, MaskedColumn) else name
            for name, column in zip(fields, shown, strict=True)
        )
        return list(dict.fromkeys(laid_out))

    def get_search_fields(self, request: HttpRequest) -> Any:
        fields = super().get_search_fields(request)
        if self.shows_patients(request):
            return fields
        return [field for field in fields if not self._about_patients(field)]

    def get_list_filter(self, request: HttpRequest) -> Any:
        filters = super().get_list_filter(request)
        if self.shows_patients(request):
            return filters
        return [entry for entry in filters if not self._about_patients(entry[0] if isinstance(entry, tuple) else entry)]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # A filter typed into the address would answer questions about a masked field.
        if not self.shows_patients(request) and self._about_patients(lookup):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _about_patients(self, lookup: object) -> bool:
        return isinstance(lookup, str) and lookup.lstrip("-^=@").split("__")[0] in self.patient_fields

    def _shown(self, request: HttpRequest, fields: Sequence[Any], *, linked: bool = False) -> list[Any]:
        """`fields` with a column of ours for each that is masked, the region, or a time."""
        masked = () if self.shows_patients(request) else self.patient_fields
        return [masked_column(self, name) if name in masked else told_column(self, name, linked) for name in fields]

    # Audit

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if self.audited and isinstance(response, TemplateResponse) and response.context_data:
            shown = response.context_data.get("original")
            if isinstance(shown, Model):
                audit.record_view(shown, masked=not self.shows_patients(request))
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if self.audited and isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            shown = (response.context_data or {})["cl"].result_list
            audit.record_views(self.model, [row.pk for row in shown], masked=not self.shows_patients(request))
        return response


class StaffInline(Verbs, _Inline):
    """Rows of another model inside a StaffAdmin page; its verbs are its own, its region is its parent's."""

    region_path = None
    extra = 0


class RegionFilter(admin.RelatedFieldListFilter):
    """The filter by region, offering the user's own: list_filter = [("region", RegionFilter)]."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> Any:
        regions = field.related_model._default_manager.order_by("display_name")
        mine = regions if may(request.user, ACCOUNTS) else regions.filter(pk__in=region_ids(request.user))
        return list(mine.values_list("pk", "display_name"))
