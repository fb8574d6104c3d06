"""What was uploaded and not answered in time is counted, with its dollars, and raises an alert. edi.md 1.5."""

from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.utils import timezone

from backoffice.runs.alerts import check_alerts
from backoffice.runs.models import Alert
from billing.clock import late
from billing.inbox.storing import Arrived, store
from billing.models import Batch, Document
from billing.settling import settle_document
from claims.edi.reports import Limits
from regions.models import Region
from tests.billing.answered import HOUSE, arrive, denied, paid, payment, process, send, status, syntax
from tests.factories import RegionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def uploaded(batch: Batch, **ago: int) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(uploaded_at=timezone.now() - timedelta(**ago))
    return batch


def figures(region: Region) -> dict[str, tuple[int, int]]:
    return {each.answer: (each.items, int(each.charge)) for each in late(region)}


def test_a_batch_without_a_999_is_late_after_two_hours(region: Region) -> None:
    uploaded(send(region, ["A1", "A2"], number=1), hours=3)
    uploaded(send(region, ["B1"], number=2, state=Batch.State.UNCONFIRMED), hours=3)
    uploaded(send(region, ["C1"], number=3), hours=1)
    uploaded(send(region, ["D1"], number=4, state=Batch.State.FAILED), hours=3)
    assert figures(region) == {"upload": (0, 0), "999": (2, 600), "277CA": (0, 0), "835": (0, 0)}
    arrive(region, syntax("R", number=1))
    process(region)
    assert figures(region)["999"] == (1, 200)


def test_a_batch_that_is_not_sent_is_late_after_an_hour_whether_it_waits_or_a_worker_died_at_it(
    region: Region, queue: object
) -> None:
    state = Batch.State
    waits = ((state.BATCHED, 61), (state.UPLOADING, 61), (state.BATCHED, 59), (state.UPLOADED, 61))
    for number, (is_now, minutes) in enumerate(waits, 1):
        batch = send(region, [f"A{number}"], number=number, state=is_now)
        stored = timezone.now() - timedelta(minutes=minutes)
        Batch.objects.filter(pk=batch.pk).update(created_at=stored)
    assert figures(region)["upload"] == (2, 400)
    check_alerts()
    (alert,) = Alert.objects.standing()
    assert (alert.key, alert.message) == ("north/upload", "North: 2 batches of $400.00 are not uploaded after 1 hour.")


def test_a_claim_is_late_for_its_277ca_after_a_day_unless_it_was_rejected_accepted_or_paid(region: Region) -> None:
    uploaded(send(region, ["A1", "A2", "A3", "A4", "A5"]), hours=25)
    arrive(region, syntax("A"))
    arrive(region, status("B905-1", [("A1", "A2:20:PR"), ("A2", "A7:562:85"), ("A5", "A1:19:PR")]))
    arrive(region, payment("T1", paid("A3"), total=130))
    process(region)
    assert figures(region) == {"upload": (0, 0), "999": (0, 0), "277CA": (2, 400), "835": (0, 0)}


def test_a_claim_is_late_for_its_835_after_thirty_days_unless_it_was_rejected(region: Region) -> None:
    uploaded(send(region, ["A1", "A2", "A3", "A4"]), days=31)
    arrive(region, status("B905-1", [("A1", "A2:20:PR"), ("A2", "A7:562:85"), ("A4", "A2:20:PR")]))
    arrive(region, payment("T1", denied("A4"), total=0))
    process(region)
    assert figures(region) == {"upload": (0, 0), "999": (1, 800), "277CA": (1, 200), "835": (2, 400)}


def test_a_region_has_limits_of_its_own(region: Region) -> None:
    region.clearinghouse = {**HOUSE, "hours_to_999": 48, "hours_to_277ca": 2, "days_to_835": 1}
    uploaded(send(region, ["A1"]), hours=25)
    assert figures(region) == {"upload": (0, 0), "999": (0, 0), "277CA": (1, 200), "835": (1, 200)}


def test_each_answer_is_one_question_to_the_database(region: Region, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(4):  # type: ignore[operator]
        late(region)


def test_an_alert_stands_while_an_answer_is_late_or_a_payment_parked(region: Region, queue: object) -> None:
    south = RegionFactory.create(name="south", display_name="South", clearinghouse=HOUSE)
    uploaded(send(region, ["A1", "A2"]), hours=3)
    uploaded(send(south, ["B1"], number=7), days=40)
    arrive(region, syntax("A", number=7))  # of the other region
    arrive(region, payment("T1", paid("A1"), total=131))
    process(region)
    check_alerts()
    assert sorted(Alert.objects.standing().values_list("key", "message")) == [
        ("north", "North: 1 payment of $131.00 is parked; nothing of it was posted."),
        ("north/999", "North: 1 batch of $400.00 has no 999 after 2 hours."),
        ("south/277CA", "South: 1 claim of $200.00 has no 277CA after 24 hours."),
        ("south/835", "South: 1 claim of $200.00 has no 835 after 30 days."),
        ("south/999", "South: 1 batch of $200.00 has no 999 after 2 hours."),
    ]
    arrive(region, syntax("A"))
    process(region)
    check_alerts()
    assert not Alert.objects.standing().filter(key="north/999").exists()


def test_an_alert_stands_while_a_file_that_cannot_be_read_is_not_settled(region: Region, queue: object) -> None:
    """Read by a run, or a ZIP that broke a limit when it was stored."""
    arrive(region, b"\x00\x01\x02\xff\xfe")
    process(region)
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("a", b"1")
        archive.writestr("b", b"2")
    store(region, Arrived(name="x.zip", content=packed.getvalue()), limits=Limits(members=1))
    check_alerts()
    (alert,) = Alert.objects.standing()
    assert (alert.key, alert.message) == ("north", "North: 2 files cannot be read; nothing of them is known.")
    for document in Document.objects.all():
        settle_document(document, UserFactory.create(), "Sent anew.")
    check_alerts()
    assert not Alert.objects.standing().exists()
