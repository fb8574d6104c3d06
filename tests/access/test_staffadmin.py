"""StaffAdmin: regions, verbs, masked patient data and its audit, tried on a page of its own."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path

from backoffice.access import MASKED
from backoffice.site import NightwardSite
from backoffice.staffadmin import RegionFilter, StaffAdmin
from regions.models import ApiToken, Region
from tests.factories import ApiTokenFactory, RegionFactory, SuperuserFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

site = NightwardSite(name="tried")
PATIENT = "patient-4711"


class PatientAdmin(StaffAdmin):
    """Regions stand in for rows of patients, and their display name for the patient's reference."""

    region_path = ""
    patient_fields = ("display_name",)
    audited = True
    change_verb = "resolve"
    list_display = ("name", "display_name")
    list_filter = ("display_name", "country")
    search_fields = ("name", "display_name")
    fields = ("name", "display_name")


class TokenAdmin(StaffAdmin):
    """A row that points at regions."""

    region_path = "regions"
    add_verb = "configure"
    fields = ("name", "owner", "regions")
    list_filter = (("regions", RegionFilter),)


site.register(Region, PatientAdmin)
site.register(ApiToken, TokenAdmin)
urlpatterns = [path("tried/", site.urls), path("", include("backoffice.urls"))]
LIST, ROW = "/tried/regions/region/", "/tried/regions/region/%s/change/"


@pytest.fixture
def region() -> Region:
    return RegionFactory.create(display_name=PATIENT, country="US")


@pytest.fixture
def other() -> Region:
    return RegionFactory.create(display_name="patient-0815", country="US")


@pytest.fixture
def as_role(client: Client, region: Region, other: Region) -> Any:
    def sign_in(role: str | None) -> Client:
        client.force_login(UserFactory.create(role=role, regions=[region]))
        return client

    return sign_in


def test_a_row_of_another_region_is_not_there(as_role: Any, region: Region, other: Region) -> None:
    client = as_role("finance")
    assert region.name in (shown := client.get(LIST).content.decode())
    assert other.name not in shown
    for page in ("change", "history", "delete"):
        assert client.get(f"/tried/regions/region/{other.pk}/{page}/").status_code in (403, 404)
    assert client.get(ROW % other.pk).status_code == 404
    assert client.post(ROW % other.pk, {"name": "x", "display_name": "x"}).status_code == 404
    assert client.get(ROW % 10**9).status_code == 404


def test_a_superuser_sees_every_region(client: Client, region: Region, other: Region) -> None:
    client.force_login(SuperuserFactory.create())
    assert {region, other} == set(client.get(LIST).context["cl"].result_list)


@pytest.mark.parametrize(
    ("role", "see", "change"),
    [
        ("viewer", 200, 403),
        ("finance", 200, 302),
        ("operator", 200, 302),
        ("engineer", 200, 403),
        ("auditor", 200, 403),
        (None, 403, 403),
    ],
)
def test_a_page_opens_for_the_verbs_that_it_asks_for(
    as_role: Any, region: Region, role: str | None, see: int, change: int
) -> None:
    client = as_role(role)
    assert client.get(LIST).status_code == see
    assert client.get(ROW % region.pk).status_code == see
    assert client.post(ROW % region.pk, {"name": region.name, "display_name": "x"}).status_code == change
    assert client.get("/tried/regions/region/add/").status_code == 403
    assert client.post(f"/tried/regions/region/{region.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_index_names_what_the_role_may_see(as_role: Any) -> None:
    # The index itself is the dashboard, with links to pages that this site does not have.
    assert b"/tried/regions/region/" in as_role("viewer").get("/tried/regions/").content
    assert b"/tried/regions/region/" not in as_role(None).get("/tried/regions/").content


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_patient_data_is_masked_on_every_page(as_role: Any, region: Region, role: str) -> None:
    client = as_role(role)
    for page in (LIST, ROW % region.pk):
        shown = client.get(page).content.decode()
        assert PATIENT not in shown
        assert MASKED in shown


@pytest.mark.parametrize("role", ["finance", "operator", "auditor"])
def test_patient_data_is_shown_to_who_works_with_it(as_role: Any, region: Region, role: str) -> None:
    client = as_role(role)
    for page in (LIST, ROW % region.pk):
        assert PATIENT in client.get(page).content.decode()


@pytest.mark.parametrize("question", ["display_name=", "display_name__startswith=", "display_name__contains="])
def test_a_masked_field_answers_no_questions(as_role: Any, region: Region, question: str) -> None:
    assert as_role("viewer").get(f"{LIST}?{question}{PATIENT}").status_code == 400
    assert as_role("finance").get(f"{LIST}?{question}{PATIENT}").status_code == 200


def test_a_masked_field_is_neither_searched_nor_sorted_nor_filtered_by(as_role: Any, region: Region) -> None:
    client = as_role("viewer")
    assert not client.get(f"{LIST}?q={PATIENT}").context["cl"].result_list
    assert "display_name" not in str(client.get(LIST).context["cl"].list_filter)
    ordered = client.get(f"{LIST}?o=2").context["cl"]
    assert "display_name" not in str(ordered.queryset.query.order_by)
    assert list(as_role("finance").get(f"{LIST}?q={PATIENT}").context["cl"].result_list) == [region]


def test_a_view_of_a_row_and_of_a_list_is_recorded(as_role: Any, region: Region) -> None:
    client = as_role("finance")
    for page in (LIST, ROW % region.pk):
        before = LogEntry.objects.count()
        client.get(page)
        assert LogEntry.objects.count() == before + 1
        entry = LogEntry.objects.latest("pk")
        assert entry.action == LogEntry.Action.ACCESS
        assert entry.actor == User.objects.get()
        assert entry.additional_data is not None
        assert entry.additional_data["masked"] is False
        assert PATIENT not in repr(entry.additional_data) + entry.object_repr


def test_a_view_that_was_refused_is_not_recorded(as_role: Any, other: Region) -> None:
    client = as_role("finance")
    before = LogEntry.objects.count()
    client.get(ROW % other.pk)
    assert LogEntry.objects.count() == before


def test_a_form_offers_and_accepts_only_regions_of_the_user(as_role: Any, region: Region, other: Region) -> None:
    client = as_role("engineer")
    form = client.get("/tried/regions/apitoken/add/").context["adminform"].form
    assert list(form.fields["regions"].queryset) == [region]
    data = {"name": "x", "owner": User.objects.get().pk, "regions": [other.pk]}
    refused = client.post("/tried/regions/apitoken/add/", data)
    assert refused.context["errors"]


def test_the_region_filter_names_only_regions_of_the_user(as_role: Any, region: Region, other: Region) -> None:
    client = as_role("viewer")
    ApiTokenFactory.create(regions=[region])
    ApiTokenFactory.create(regions=[other])
    shown = client.get("/tried/regions/apitoken/").content.decode()
    assert f"regions__id__exact={region.pk}" in shown
    assert f"regions__id__exact={other.pk}" not in shown
