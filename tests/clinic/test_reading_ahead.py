"""What reads ahead ends with its run: the hospital hears nothing more of a run that is over."""

import time

import pytest

from backoffice.runs.parts import claim
from backoffice.runs.state import waiting_parts
from clinic.recovery.judge import chunks
from clinic.recovery.scope import open_recovery
from tests.clinic.ward import WEEK, Ward
from tests.running import start

pytestmark = pytest.mark.django_db(transaction=True)
LATENCY = 0.02


def test_a_run_that_ends_early_asks_the_hospital_nothing_more(
    ward: Ward, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(90):
        ward.visit(f"a{number}", {"A1": 1}, case_id=f"C{number}")  # each has a case to be looked up
    ward.open(concurrency_per_run=2).hospital.latency_ms = LATENCY * 1000
    run = start("recover_services", ward.region, **WEEK, chunk=30)
    part = claim(waiting_parts().get(run=run).pk)
    assert part is not None
    with open_recovery(part) as recovery:
        pages = chunks(recovery, None)
        next(pages)  # the second page is being judged now
    time.sleep(LATENCY * 5)  # what was on its way arrives
    asked = ward.hospital.calls.total()
    time.sleep(LATENCY * 5)
    assert ward.hospital.calls.total() == asked
    assert ward.hospital.calls["case"] < 60
    assert "item_unexpected" not in caplog.text + "".join(capsys.readouterr())
    pages.close()  # type: ignore[attr-defined]
