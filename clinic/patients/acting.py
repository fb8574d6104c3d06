"""The base of endpoints that a portal may call for its patient."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from backoffice.rest.views import ApiViewSet, of_token
from clinic.patients.models import Patient
from clinic.patients.portal import claimed_patient

Row = TypeVar("Row", bound=Model)


class ActingViewSet(ApiViewSet):
    """`portal_actions`: what a portal may do; `acting_for`: the patient that its claim names, None for staff."""

    portal_actions: ClassVar[frozenset[str]] = frozenset()
    acting_for: Patient | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.acting_for = claimed_patient(request)
        if self.acting_for is not None and self.action not in self.portal_actions:
            raise PermissionDenied("A portal may not do this.")

    def visible(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Rows of the token's regions; of the one region where a patient acts."""
        rows = of_token(rows, self.request)
        return rows if self.acting_for is None else rows.filter(region=self.acting_for.region_id)

    def own(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Rows of patients in the token's regions; those of the one patient who acts."""
        rows = of_token(rows, self.request)
        return rows if self.acting_for is None else rows.filter(patient=self.acting_for.pk)
