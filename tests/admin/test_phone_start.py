"""Starting a phone sync, and undoing one, from the admin: asked once more before anything is written."""

import pytest

from backoffice.runs.models import Run
from regions.models import Region
from tests.admin.conftest import SignIn, World, said, text_of
from tests.admin.phone_world import Phones, make_phones, make_sync_run, make_update

START = "/admin/regions/phonerow/start/"
FHIR = {
    "FHIR_SERVER_URL": "https://fhir.north.example.org/fhir",
    "FHIR_API_TOKEN": "s3cret-of-the-north",
    "FHIR_IDENTIFIER_SYSTEM": "https://example.org/nik",
    "SPREADSHEET_ID": "phones.xlsx",
    "WORKSHEET_ID": "Sheet1",
}


@pytest.fixture
def connected(north: World) -> Region:
    north.region.env_vars = FHIR
    north.region.save()
    return north.region


def asked(where: Region, **changes: object) -> dict[str, object]:
    return {"region": where.pk, "which": "all", "mode": "preview", **changes}


def undo_of(run: Run) -> str:
    return f"/admin/regions/phonerow/undo/{run.pk}/"


@pytest.mark.usefixtures("queue")
def test_a_preview_starts_at_once(sign_in: SignIn, connected: Region) -> None:
    response = sign_in("operator").post(START, asked(connected, which="some", first=2, last=500))
    run = Run.objects.latest("pk")
    assert response["Location"] == f"/admin/runs/run/{run.pk}/change/"
    assert (run.job, run.region, run.parameters) == ("sync_phones", connected, {"mode": "preview", "rows": "2:500"})
    assert run.started_by is not None


@pytest.mark.usefixtures("queue")
def test_a_run_that_writes_asks_first_and_says_where_and_what(sign_in: SignIn, connected: Region) -> None:
    client, before = sign_in("operator"), Run.objects.count()
    preview = make_sync_run(connected, parameters={"mode": "preview"})
    page = client.post(START, asked(connected, mode="write")).content.decode()
    assert Run.objects.count() == before + 1
    for text in ("patients of North?", "phones.xlsx, Sheet1", "fhir.north.example.org", "2 changes would be made"):
        assert text in page
    assert f"/admin/runs/run/{preview.pk}/change/" in page
    assert "s3cret" not in page
    other = client.post(START, asked(connected, mode="write", which="some", first=2, last=3)).content.decode()
    assert "2 to 3, both included" in other
    assert "none. A preview shows every change first" in other
    client.post(START, asked(connected, mode="write", sure="1"))
    assert Run.objects.latest("pk").parameters == {"mode": "write"}


def test_changing_something_leads_back_to_the_form(sign_in: SignIn, connected: Region) -> None:
    page = sign_in("operator").post(START, asked(connected, mode="write", back="1")).content.decode()
    assert "Which rows" in page
    assert not Run.objects.filter(job="sync_phones").exists()


def test_finance_may_preview_and_not_write(sign_in: SignIn, connected: Region) -> None:
    assert "Your role may preview" in text_of(sign_in("finance"), START)
    page = sign_in("finance").post(START, asked(connected, mode="write", sure="1")).content.decode()
    assert "operators and engineers may write" in page
    assert not Run.objects.filter(job="sync_phones").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"which": "some"}, "Say which row"),
        ({"which": "some", "first": 1, "last": 9}, "greater than or equal to 2"),
        ({"which": "some", "first": 9, "last": 3}, "The last row has to be the first one, or come after it."),
        ({"region": ""}, "This field is required."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    sign_in: SignIn, connected: Region, changes: dict[str, object], says: str
) -> None:
    assert says in sign_in("operator").post(START, asked(connected, **changes)).content.decode()


def test_a_region_that_lacks_a_connection_is_told_which(sign_in: SignIn, north: World) -> None:
    page = sign_in("operator").post(START, asked(north.region)).content.decode()
    assert "Region north lacks SPREADSHEET_ID, FHIR_SERVER_URL, FHIR_IDENTIFIER_SYSTEM" in page


@pytest.mark.usefixtures("queue")
def test_a_paused_region_is_not_started_and_the_reason_is_said(sign_in: SignIn, connected: Region) -> None:
    connected.paused = True
    connected.save()
    assert "is paused" in said(sign_in("operator").post(START, asked(connected)))


def test_another_region_cannot_be_chosen(sign_in: SignIn, connected: Region, south: World) -> None:
    page = sign_in("operator").post(START, asked(south.region)).content.decode()
    assert "Select a valid choice" in page
    assert "South" not in text_of(sign_in("operator"), f"{START}?region=south")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("auditor", 403), ("finance", 200), ("engineer", 200)])
def test_who_may_open_the_form(sign_in: SignIn, north: World, role: str, status: int) -> None:
    assert sign_in(role).get(START).status_code == status


def test_the_regions_page_leads_to_the_form_with_the_region_chosen(sign_in: SignIn, connected: Region) -> None:
    page = text_of(sign_in("operator"), f"/admin/regions/region/{connected.pk}/change/")
    assert f'href="{START}?region=north"' in page
    chosen = sign_in("operator").get(f"{START}?region=north&rows=2:500&mode=write").context["form"]
    assert chosen.initial == {"region": connected, "mode": "write", "which": "some", "first": "2", "last": "500"}
    assert "Sync phones…" not in text_of(sign_in("viewer"), f"/admin/regions/region/{connected.pk}/change/")


# Undo


@pytest.fixture
def phones(connected: Region) -> Phones:
    return make_phones(connected)


@pytest.mark.usefixtures("queue")
def test_an_undo_says_what_it_will_put_back_and_what_not_and_then_does(sign_in: SignIn, phones: Phones) -> None:
    gone = make_update(phones.run, 3, patient_id="pat-2")
    undo = make_sync_run(phones.region, parameters={"mode": "undo", "run": phones.run.pk})
    make_update(undo, 3, patient_id="pat-2", undoes=gone)
    make_update(phones.run, 4, patient_id="pat-3")
    later = make_sync_run(phones.region)
    make_update(later, 4, patient_id="pat-3")
    make_update(phones.run, 5, patient_id="pat-4", state="unknown")
    page = text_of(sign_in("operator"), undo_of(phones.run))
    for text in (
        "3 changes of 3 patients", "<strong>1 change</strong>: each patient", "1 change put back already",
        "1 change of patients whom a later sync has changed again", "1 change without an answer of the server",
    ):  # fmt: skip
        assert text in page
    sign_in("operator").post(undo_of(phones.run))
    assert Run.objects.latest("pk").parameters == {"mode": "undo", "run": phones.run.pk}
    assert f">run {undo.pk}</a>" in text_of(sign_in("operator"), f"/admin/runs/run/{phones.run.pk}/change/")


def test_a_later_sync_that_was_undone_itself_is_not_in_the_way(sign_in: SignIn, phones: Phones) -> None:
    later = make_sync_run(phones.region)
    again = make_update(later)
    make_update(make_sync_run(phones.region, parameters={"mode": "undo", "run": later.pk}), undoes=again)
    assert "whom a later sync" not in text_of(sign_in("operator"), undo_of(phones.run))


def test_a_run_that_has_nothing_left_says_so(sign_in: SignIn, phones: Phones) -> None:
    phones.update.state = "not written"
    phones.update.save()
    page = text_of(sign_in("operator"), undo_of(phones.run))
    assert "nothing left to undo: it has changed no patient" in page
    assert "<form method=" not in page[page.index('class="nw"') :]


@pytest.mark.slow
def test_who_may_undo_and_what(sign_in: SignIn, phones: Phones, south: World) -> None:
    for role in ("viewer", "finance", "auditor"):
        assert sign_in(role).get(undo_of(phones.run)).status_code == 403
        assert sign_in(role).post(undo_of(phones.run)).status_code == 403
        assert "Undo…" not in text_of(sign_in(role), f"/admin/runs/run/{phones.run.pk}/change/")
    theirs = make_phones(south.region).run
    preview = make_sync_run(phones.region, parameters={"mode": "preview"})
    for run in (theirs, preview, Run.objects.filter(job="recover_services").first()):
        assert run is not None
        assert sign_in("operator").get(undo_of(run)).status_code == 404
        assert sign_in("operator").post(undo_of(run)).status_code == 404
    assert not Run.objects.filter(parameters__mode="undo").exists()
