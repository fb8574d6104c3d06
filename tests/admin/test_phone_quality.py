"""Phone quality: rows by source, reason and rule, each once or at each reading, by region and day; as CSV too."""

import csv
import io
from datetime import UTC, datetime

import pytest
from auditlog.models import LogEntry

from regions.models import PhoneRow
from regions.sync.quality import Quality
from tests.admin.conftest import SignIn, World, text_of
from tests.admin.phone_world import SECRETS, Phones, make_phones, make_rows, make_sync_run

QUALITY = "/admin/regions/phonerow/quality/"


@pytest.fixture
def phones(north: World) -> Phones:
    return make_phones(north.region)


def quality(sign_in: SignIn, query: str = "") -> Quality:
    found: Quality = sign_in("operator").get(QUALITY + query).context["quality"]
    return found


def test_rows_are_counted_by_source_reason_and_rule(sign_in: SignIn, phones: Phones) -> None:
    found = quality(sign_in)
    # "front desk" and "Front Desk" are one source, under its more frequent spelling.
    assert [(one.name, one.rows, one.clean, one.mended, one.refused) for one in found.sources] == [
        ("front desk", 3, 1, 1, 1),
        ("survey", 2, 1, 0, 1),
        ("WhatsApp", 1, 0, 1, 0),
    ]
    assert found.reasons == ["digits lost", "empty"]
    assert dict(found.sources[0].counts) == {
        ("refused", "digits lost"): 1, ("mended", "float"): 1, ("mended", "leading zero"): 1,
    }  # fmt: skip
    assert sum(one.rows for one in found.sources) == found.whole.rows == 6


def test_a_row_that_nobody_could_judge_is_not_clean(sign_in: SignIn, phones: Phones) -> None:
    PhoneRow.objects.filter(run=phones.run, row=4).update(outcome="unexpected", reason="KeyError")
    found = quality(sign_in)
    assert (found.whole.clean, found.whole.mended, found.whole.refused) == (1, 2, 3)
    assert found.whole.counts["refused", "unexpected fault"] == 1
    assert "Have an engineer look the row up in the log" in text_of(sign_in("operator"), QUALITY)


def test_a_row_that_was_read_twice_counts_once_or_at_each_reading(sign_in: SignIn, phones: Phones) -> None:
    again = make_sync_run(phones.region)
    make_rows(again)
    PhoneRow.objects.filter(run=again, row=5).update(reason="", outcome="updated", rules="")  # corrected meanwhile
    undo = make_sync_run(phones.region, parameters={"mode": "undo", "run": again.pk})
    make_rows(undo)
    once, each = quality(sign_in), quality(sign_in, "?count=each")
    assert (once.whole.rows, once.reasons) == (6, ["empty"])
    assert (each.whole.rows, each.whole.counts["refused", "digits lost"]) == (12, 1)


def test_days_are_those_of_the_region_and_both_included(sign_in: SignIn, south: World) -> None:
    make_phones(south.region)
    # 23:30 on 9 March in Jakarta, and half past midnight on the 10th.
    PhoneRow.objects.filter(row__lte=4).update(created_at=datetime(2026, 3, 9, 16, 30, tzinfo=UTC))
    PhoneRow.objects.filter(row__gt=4).update(created_at=datetime(2026, 3, 9, 17, 30, tzinfo=UTC))
    client = sign_in("operator", regions=[south.region])
    for query, rows in (
        ("?first=2026-03-09&last=2026-03-09", 3),
        ("?first=2026-03-10&last=2026-03-10", 3),
        ("?first=2026-03-09&last=2026-03-10", 6),
        ("?first=2026-03-11&last=2026-03-12", 0),
    ):
        assert client.get(QUALITY + query).context["quality"].whole.rows == rows, query


def test_a_wrong_span_and_a_region_of_others_are_said(sign_in: SignIn, phones: Phones, south: World) -> None:
    make_phones(south.region)
    assert "has to be the first one" in text_of(sign_in("operator"), f"{QUALITY}?first=2026-03-09&last=2026-03-01")
    assert "Select a valid choice" in text_of(sign_in("operator"), f"{QUALITY}?region=south")
    assert quality(sign_in, "?region=north").whole.rows == 6
    both = sign_in("operator", regions=[phones.region, south.region]).get(QUALITY).context["quality"]
    assert both.whole.rows == 12


def test_the_page_says_what_to_do_and_holds_no_patient(sign_in: SignIn, phones: Phones) -> None:
    page = text_of(sign_in("viewer"), QUALITY)
    assert "Format the column as text before numbers are typed" in page
    assert "The sheet had dropped the first 0." in page
    assert not [secret for secret in SECRETS if secret in page]


def test_without_rows_it_says_what_to_do(sign_in: SignIn, north: World) -> None:
    assert "No sheet was read in this time." in text_of(sign_in("operator"), QUALITY)
    assert "You have no region yet" in text_of(sign_in("operator", regions=[]), QUALITY)


def test_it_is_exported_by_who_may_and_that_is_audited(sign_in: SignIn, phones: Phones) -> None:
    response = sign_in("finance").get(f"{QUALITY}?format=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]
    assert rows[0] == {
        "region": "north", "source": "front desk", "kind": "refused", "what": "digits lost", "rows": "1", "of": "3",
        "share_percent": "33.3",
    }  # fmt: skip
    assert len(rows) == 5
    entry = LogEntry.objects.get(additional_data__export="phone quality")
    assert entry.additional_data["region"] == phones.region.pk
    assert sign_in("operator").get(f"{QUALITY}?format=csv").status_code == 403
    assert 'value="csv"' not in text_of(sign_in("operator"), QUALITY)
