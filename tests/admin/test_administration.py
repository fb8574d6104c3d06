"""The pages of regions, users, tokens and the audit log: times, words and ways between them as on every other page."""

import re
from datetime import UTC, datetime

from auditlog.models import LogEntry

from backoffice import audit
from clinic.models import MissingService
from tests.admin.conftest import SignIn, World, make_row, text_of
from tests.factories import ApiTokenFactory, UserFactory

AUDIT = "/admin/auditlog/logentry/"
AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def test_times_are_written_as_on_every_other_page(sign_in: SignIn, north: World) -> None:
    UserFactory.create(username="olga", last_login=AT)
    ApiTokenFactory.create(regions=[north.region], expires_at=AT)
    client = sign_in("superuser")
    assert "2026-03-04 05:06 UTC" in text_of(client, "/admin/auth/user/")
    assert "2026-03-04 05:06 UTC" in text_of(client, "/admin/regions/apitoken/")
    audit.record_view(north.row)
    assert f"{LogEntry.objects.latest().timestamp:%Y-%m-%d %H:%M} UTC" in text_of(client, AUDIT)


def test_the_audit_log_counts_in_words_and_names_the_region(sign_in: SignIn, north: World, south: World) -> None:
    make_row(south.run, appointment_id="second")
    audit.record_views(MissingService, list(MissingService.objects.values_list("pk", flat=True)))
    page = text_of(sign_in("superuser"), AUDIT)
    assert "1 missing service<" in page.replace("\n", "").replace(" <", "<")
    assert "2 missing services" in page
    assert "North" in page
    assert "South" in page
    assert "South" not in text_of(sign_in("auditor"), AUDIT)


def test_the_audit_log_of_one_region(sign_in: SignIn, north: World, south: World) -> None:
    for world in (north, south):
        audit.record_view(world.row)
    client = sign_in("superuser")
    for region, seen in ((north.region.pk, True), (south.region.pk, False), ("x", False)):
        page = text_of(client, f"{AUDIT}?region={region}")
        assert (f"missing service {north.row.pk}" in page) is seen, region
    assert f"missing service {south.row.pk}" not in text_of(sign_in("auditor"), f"{AUDIT}?region={south.region.pk}")


def test_the_history_of_a_region_is_its_audit_log_for_who_may_read_it(sign_in: SignIn, north: World) -> None:
    page = f"/admin/regions/region/{north.region.pk}"
    client = sign_in("auditor")
    assert f"{page}/history/" in text_of(client, f"{page}/change/")
    assert client.get(f"{page}/history/")["Location"] == f"{AUDIT}?region={north.region.pk}"
    assert f"{page}/history/" not in text_of(sign_in("engineer"), f"{page}/change/")


def test_another_regions_history_is_not_there(sign_in: SignIn, south: World) -> None:
    assert sign_in("auditor").get(f"/admin/regions/region/{south.region.pk}/history/").status_code == 404


def test_tokens_say_in_words_what_they_may_and_where(sign_in: SignIn, north: World, south: World) -> None:
    token = ApiTokenFactory.create(regions=[north.region, south.region], verbs=["runs:read", "missing:resolve"])
    client = sign_in("superuser")
    for address in ("/admin/regions/apitoken/", f"/admin/regions/apitoken/{token.pk}/change/"):
        page = text_of(client, address)
        assert "resolve missing services, see runs" in page
        assert "North, South" in page
    assert "Start runs (runs:start)" in text_of(client, "/admin/regions/apitoken/add/")


def test_the_list_of_regions_says_running_or_paused(sign_in: SignIn, north: World, south: World) -> None:
    south.region.paused = True
    south.region.save()
    page = text_of(sign_in("superuser"), "/admin/regions/region/")
    assert "running" in page
    assert "paused" in page
    assert "boolean" not in page  # no cross for a region that is well


def test_the_pace_names_its_kinds(sign_in: SignIn, north: World) -> None:
    page = text_of(sign_in("engineer"), f"/admin/regions/region/{north.region.pk}/change/")
    assert "Kinds: hospital, fhir, fhir_entries" in page


def test_roles_and_regions_of_a_user_are_boxes_to_tick(sign_in: SignIn, north: World) -> None:
    user = UserFactory.create(role="finance", regions=[north.region])
    client = sign_in("superuser")
    address = f"/admin/auth/user/{user.pk}/change/"
    page = text_of(client, address)
    for name in ("groups", "regions"):
        assert re.search(rf'<input type="checkbox" name="{name}" [^>]*checked', page), name
    form = {"username": user.username, "is_active": "on", "is_staff": "on", "groups": [], "regions": []}
    assert client.post(address, form).status_code == 302
    assert not user.groups.exists()
    assert not user.regions.exists()
