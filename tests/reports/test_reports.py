"""Reports: a registry of three, CSV and PDF, exact to the cent, for who may have them (contract S3-15, X-19)."""

import base64
import csv
import re
import stat
import zlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.test import Client
from redis import Redis

from backoffice.formats import moment
from backoffice.runs.faults import Misuse
from backoffice.runs.models import Run
from billing.models import Claim
from clinic.booking.book import book
from clinic.booking.models import Appointment
from clinic.care.models import EligibilityReport
from clinic.care.schedule.registry import schedule
from clinic.reports import making
from clinic.reports.models import Report, ReportPart
from clinic.reports.registry import KINDS, kind_named
from regions.models import Region
from tests.admin.conftest import SignIn, World, billing, north, sign_in, south, text_of
from tests.admin.test_clocks import shown
from tests.booking.conftest import clinic, now
from tests.booking.world import FRONT_DESK, MINUTE, MONDAY, Clinic, PatientFactory
from tests.care.world import insured
from tests.factories import RegionFactory
from tests.running import finish, start

__all__ = ["billing", "clinic", "north", "now", "sign_in", "south"]
pytestmark = pytest.mark.django_db
LIST, START = "/admin/reports/report/", "/admin/reports/report/start/"


def made(region: Region, kind: str = "visits", form: str = "csv", **days: str) -> Report:
    told = {"from": "2026-03-01", "to": "2026-04-01", **days}
    run = finish(start("report", region, kind=kind, format=form, **told))
    assert run.status == "complete", run.detail
    return Report.objects.get(run=run)


def content_of(report: Report) -> bytes:
    return b"".join(report.content())


def rows_of(report: Report) -> tuple[list[list[str]], dict[str, str]]:
    """(the rows below the titles, the totals)."""
    lines = list(csv.reader(content_of(report).decode().splitlines()))
    end = next(number for number, line in enumerate(lines) if not any(line))
    return lines[1:end], {line[0]: line[1] for line in lines[end + 1 :]}


def text_in(pdf: bytes) -> str:
    """What a PDF of ReportLab draws: its streams are deflated and written in base 85."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    return "".join(zlib.decompress(base64.a85decode(one.strip(), adobe=False)).decode("latin-1")
                   for one in (each.strip().removesuffix(b"~>") for each in streams))  # fmt: skip


def test_each_kind_resolves_and_has_its_name() -> None:
    """[X-19] What is no name of the table is not looked up."""
    for name in KINDS:
        assert kind_named(name).name == name
    for bad in ("os.system", "Report", ""):
        with pytest.raises(Misuse, match="No report is called"):
            kind_named(bad)


def test_visits_of_the_regions_days_with_how_many_ended_how(clinic: Clinic) -> None:
    """[S3-15] The last day of the period is not in it; days are the region's, not UTC's."""
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    book(clinic.wish(MONDAY + 30 * MINUTE), FRONT_DESK, external_id="=A-2")
    period = {"from": "2026-03-02", "to": "2026-03-03"}
    rows, totals = rows_of(made(clinic.region, **period))
    assert [row[0] for row in rows] == ["2026-03-02 08:00", "2026-03-02 08:30"]
    assert [row[2] for row in rows] == ["A-1", "'=A-2"]
    assert totals == {"Visits": "2", "Booked": "2"}
    Appointment.objects.update(state="in_progress")
    assert rows_of(made(clinic.region, **period))[1] == {"Visits": "2", "In progress": "2"}
    assert rows_of(made(clinic.region, **{"from": "2026-03-01", "to": "2026-03-02"}))[1] == {"Visits": "0"}


def test_the_dollars_are_those_of_the_table_to_the_cent(north: World, billing: Any) -> None:
    """[S3-15]"""
    Claim.objects.filter(region=north.region).update(paid=Decimal("10.01"), share=Decimal("-0.10"))
    rows, totals = rows_of(made(north.region, "billing", **{"from": "1990-01-01", "to": "2100-01-01"}))
    claims = Claim.objects.filter(region=north.region, withdrawn=False).exclude(versions__withdrawn=False)
    known = claims.aggregate(charge=Sum("charge"), paid=Sum("paid"), share=Sum("share"))
    assert rows
    assert int(totals["Claims"]) == len(rows) == claims.count()
    assert (Decimal(totals["Charged"]), Decimal(totals["Paid"])) == (known["charge"], known["paid"])
    assert Decimal(totals["Patients' share"]) == known["share"]
    for column, name in ((6, "Charged"), (7, "Paid"), (8, "Patients' share")):
        assert sum(Decimal(row[column]) for row in rows) == Decimal(totals[name])


def test_reports_of_payers_without_their_words(north: World) -> None:
    """[S3-15]"""
    information = insured(north.region, "MEMBER-77")
    EligibilityReport.objects.create(
        region=north.region, patient=information.patient, information=information, run=north.run, state="processed",
        month=MONDAY.date().replace(day=1), coverage="active", answer={"message": "SECRET"}, calls=2, asked_at=MONDAY,
    )  # fmt: skip
    report = made(north.region, "eligibility")
    rows, totals = rows_of(report)
    assert totals == {"Reports": "1", "Calls": "2", "Processed": "1"}
    assert rows[0][2:5] == [information.patient.external_id, "00001", "Aetna"]
    assert b"SECRET" not in content_of(report)
    assert b"MEMBER" not in content_of(report)


def test_a_pdf_says_the_same_on_its_pages(clinic: Clinic) -> None:
    """[S3-15]"""
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    report = made(clinic.region, form="pdf")
    data = content_of(report)
    assert data.startswith(b"%PDF-")
    text = text_in(data)
    assert all(word in text for word in ("Visit summary", "A-1", "2026-03-02 08:00", "Visits", "page 1"))


def test_it_lies_encrypted_and_goes_after_its_time(clinic: Clinic, now: Any, settings: Any) -> None:
    """[S3-15] `clean_up` is expected of a region that has reports alone."""
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="SECRET-1")
    report = made(clinic.region)
    alone = made(RegionFactory.create())
    assert set(schedule()["clean_up"].regions()) == {clinic.region, alone.region}
    assert "SECRET-1" not in str(ReportPart.objects.values_list("content", flat=True)[0])
    now.shift(timedelta(days=settings.REPORTS_KEPT_DAYS + 1))
    call_command("clean_up", "--region", clinic.region.name)
    assert not Report.objects.filter(pk=report.pk).exists()


def test_too_many_rows_are_said_and_nothing_is_stored(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(making.MOST_ROWS, "pdf", 1)
    for minutes in (0, 30):
        book(clinic.wish(MONDAY + minutes * MINUTE), FRONT_DESK)
    run = finish(
        start("report", clinic.region, kind="visits", format="pdf", **{"from": "2026-03-01", "to": "2026-04-01"})
    )
    assert (run.status, run.detail) == ("failed", "There are more than 1 rows: choose a shorter period, or CSV.")
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Report"}, {"format": "docx"}, {"to": "2026-03-01"}, {"from": "yesterday"}, {"class": "x"}, {"from": ""}],
)
def test_what_cannot_be_asked_for(clinic: Clinic, wrong: dict[str, str]) -> None:
    with pytest.raises(Misuse):
        start("report", clinic.region, **{"kind": "visits", "from": "2026-03-01", "to": "2026-04-01", **wrong})


@pytest.mark.django_db(transaction=True)
def test_the_command_writes_the_file_for_this_user_alone(clinic: Clinic, queue: Redis, tmp_path: Path) -> None:
    book(clinic.wish(MONDAY), FRONT_DESK, external_id="A-1")
    file = tmp_path / "visits.csv"
    file.write_text("before")
    days = ("--from", "2026-03-01", "--to", "2026-04-01")
    call_command("report", "--region", clinic.region.name, "--kind", "visits", *days, "--output", str(file))
    assert file.read_bytes() == content_of(Report.objects.get())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="No report is called"):
        call_command("report", "--region", clinic.region.name, "--kind", "x", *days)


def test_finance_asks_for_a_report_and_takes_it(sign_in: SignIn, north: World, queue: Redis) -> None:
    form = {"region": north.region.pk, "kind": "visits", "format": "csv", "begins": "2026-03-01", "ends": "2026-04-01"}
    finance = sign_in("finance")
    assert "Visit summary" in text_of(finance, START)
    assert finance.post(START, form)["Location"].startswith("/admin/runs/run/")
    run = Run.objects.get(job="report")
    assert run.parameters == {"kind": "visits", "format": "csv", "from": "2026-03-01", "to": "2026-04-01"}
    assert finance.post(START, {**form, "ends": "2026-03-01"}).status_code == 200
    assert Run.objects.filter(job="report").count() == 1
    report = Report.objects.get(run=finish(run))
    for page in (LIST, f"{LIST}{report.pk}/change/"):
        text = text_of(finance, page)
        assert f"{LIST}{report.pk}/file/" in text
        assert moment(report.created_at, north.region.zone) in " ".join(shown(text).split())
        assert north.region.display_name in text
    answer = finance.get(f"{LIST}{report.pk}/file/")
    assert b"".join(answer.streaming_content) == content_of(report)  # type: ignore[attr-defined]
    assert "attachment" in answer["Content-Disposition"]
    entry = LogEntry.objects.get(object_pk=str(report.pk), additional_data__content="downloaded")
    assert entry.additional_data["rows"] == 0


def test_outsiders(sign_in: SignIn, north: World, south: World, client: Client) -> None:
    PatientFactory.create(region=north.region)
    mine, theirs = made(north.region), made(south.region)
    file, foreign = f"{LIST}{mine.pk}/file/", f"{LIST}{theirs.pk}/file/"
    for address in (LIST, START, file, f"{LIST}{mine.pk}/change/"):
        assert client.get(address)["Location"].startswith("/admin/login/")
        assert sign_in(None).get(address).status_code == 403
    for role in ("viewer", "engineer", "operator"):
        assert [sign_in(role).get(address).status_code for address in (LIST, file, START)] == [200, 403, 403]
        assert file not in text_of(sign_in(role), LIST)
        assert START not in text_of(sign_in(role), LIST)
    assert [sign_in("auditor").get(address).status_code for address in (file, START)] == [200, 200]
    operator = sign_in("operator")
    assert operator.get(foreign).status_code == 404
    assert operator.get(f"{LIST}{theirs.pk}/change/").status_code == 404
    listed = text_of(operator, LIST)
    assert f"{LIST}{mine.pk}/change/" in listed
    assert f"{LIST}{theirs.pk}/" not in listed
    form = {"region": south.region.pk, "kind": "visits", "format": "csv", "begins": "2026-03-01", "ends": "2026-04-01"}
    assert sign_in("finance").post(START, form).status_code == 200
    assert not Run.objects.filter(job="report", region=south.region).exclude(pk=theirs.run_id).exists()
