"""/api/v1/batches/, /claims/ and /documents/: what was sent, and what was said of it, for other systems to read."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.rest.openapi import errors
from backoffice.rest.pages import page_of
from backoffice.rest.views import ApiViewSet, of_token, region_of_token
from billing.models import Batch, Claim, Document
from billing.wire import BatchPage, BatchQuery, BatchReport, BatchRow, ClaimPage, ClaimQuery, ClaimReport, ClaimRow
from billing.wire_documents import DocumentPage, DocumentQuery, DocumentReport, DocumentRow
from regions.models import Region

READ = {"list": "claims:read", "retrieve": "claims:read"}


@extend_schema_view(
    list=extend_schema(
        summary="List batches of claims, newest first",
        parameters=[BatchQuery],
        responses={200: BatchPage, **errors(400, 404)},
    ),
    retrieve=extend_schema(
        summary="Read a batch and its sets", responses={200: BatchReport, **errors(400, 404)}
    ),
)  # fmt: skip
class BatchViewSet(ApiViewSet):
    """Batches of the token's regions."""

    queryset = Batch.objects.select_related("region")
    serializer_class = BatchReport
    required_verbs = READ
    queries = {"list": BatchQuery}

    def get_queryset(self) -> QuerySet[Batch]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        batches = self.get_queryset().filter(*_conditions(self.query, request, ("state", "kind")))
        page = page_of(batches, request, self.query)
        rows = BatchRow(page.rows, many=True, context={"request": request})
        return Response({"next": page.next, "results": rows.data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema_view(
    list=extend_schema(
        summary="List claims, newest first", parameters=[ClaimQuery], responses={200: ClaimPage, **errors(400, 404)}
    ),
    retrieve=extend_schema(
        summary="Read a claim and what was said of it",
        description="No name, birth date, address or member id is in any answer.",
        responses={200: ClaimReport, **errors(400, 404)},
    ),
)
class ClaimViewSet(ApiViewSet):
    """Claims of the token's regions."""

    queryset = Claim.objects.select_related("region", "batch_set").defer("content")
    serializer_class = ClaimReport
    required_verbs = READ
    queries = {"list": ClaimQuery}

    def get_queryset(self) -> QuerySet[Claim]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        claims = self.get_queryset().filter(*_conditions(self.query, request, ("state", "control")))
        if "batch" in self.query:
            claims = claims.filter(batch_set__batch=self.query["batch"])
        if "changed_since" in self.query:
            claims = claims.filter(changed_at__gte=self.query["changed_since"])
        page = page_of(claims, request, self.query, lanes=self._lanes())
        rows = ClaimRow(page.rows, many=True, context={"request": request})
        return Response({"next": page.next, "results": rows.data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    def _lanes(self) -> Sequence[Q]:
        """The index of states begins with the region: one stream for each."""
        if "state" not in self.query:
            return (Q(),)
        regions = of_token(Region.objects.all(), self.request, path="").values_list("pk", flat=True)
        return [Q(region=pk) for pk in regions] or (Q(),)


@extend_schema_view(
    list=extend_schema(
        summary="List claim files, newest first",
        parameters=[DocumentQuery],
        responses={200: DocumentPage, **errors(400, 404)},
    ),
    retrieve=extend_schema(
        summary="Read a claim file's state and its payments",
        description="Of a payment that was parked, which claims and lines do not balance. No content of the file.",
        responses={200: DocumentReport, **errors(400, 404)},
    ),
)
class DocumentViewSet(ApiViewSet):
    """Claim files of the token's regions, sent and received."""

    queryset = Document.objects.select_related("region")
    serializer_class = DocumentReport
    required_verbs = READ
    queries = {"list": DocumentQuery}

    def get_queryset(self) -> QuerySet[Document]:
        return of_token(super().get_queryset(), self.request)

    def list(self, request: Request) -> Response:
        documents = self.get_queryset().filter(*_conditions(self.query, request, ("direction", "state", "kind")))
        page = page_of(documents, request, self.query)
        rows = DocumentRow(page.rows, many=True, context={"request": request})
        return Response({"next": page.next, "results": rows.data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


def _conditions(query: dict[str, Any], request: Request, names: Sequence[str]) -> Iterator[Q]:
    """What the query asks for by name, and the region, which has to be the token's."""
    if "region" in query:
        yield Q(region=region_of_token(query["region"], request))
    for name in names:
        if name in query:
            yield Q(**{name: query[name]})
