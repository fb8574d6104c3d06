"""A payment that was handed out before its night was undone is taken back by the next, to the cent. edi.md 6.4, 6.5."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command

from backoffice.runs.control import restart_run, undo_run
from backoffice.runs.faults import Misuse
from backoffice.runs.kernel import work
from backoffice.runs.models import Run, RunStatus
from backoffice.runs.state import waiting_parts
from claims.edi.envelope import transactions
from claims.edi.findings import Findings
from claims.edi.remittance import PaidClaim, PaymentEnd, ProviderAdjustment
from claims.models import RemittanceDocument, StagedBatch
from claims.pipeline.documents import content_of, hand_out
from claims.pipeline.restage import discard, release
from regions.models import Region
from tests.claims.folders import RUN_DATE, line, night_of, plan, run_night
from tests.claims.folders import staged as staged_tables
from tests.claims.sent import claims, region_that_pays, written
from tests.claims.sent import staged as staged_837
from tests.claims.test_remittance_documents import decided, standing
from tests.edi import oracle_835
from tests.edi.oracle_835 import of_kind
from tests.edi.written import all_said

pytestmark = pytest.mark.django_db(transaction=True)


def paid_night(folder: Path, number: int = 12) -> Run:
    region = region_that_pays(folder, plans=[plan(coinsurance_percent="20")])
    staged_837(folder, region, written(claims(number)))
    return night(region)


def night(region: Region | None, days: int = 0) -> Run:
    assert region is not None
    run = run_night(region, run_date=RUN_DATE + timedelta(days=days))
    assert run.status == RunStatus.COMPLETE, run.detail
    return run


def pays_less(folder: Path, region: Region | None) -> None:
    """The plan pays a tenth from now on."""
    staged_tables(folder / "less", {"plans": [plan(coinsurance_percent="90")]}, region)


def sent(documents: Iterable[RemittanceDocument]) -> list[bytes]:
    return [hand_out(document) for document in documents]


def claims_in(files: Iterable[bytes]) -> list[PaidClaim]:
    return [claim for content in files for claim in of_kind(PaidClaim, all_said(content)[0])]


def by_account(files: Iterable[bytes]) -> dict[str, Decimal]:
    """What who gets all of these files has been paid for each claim."""
    found: dict[str, Decimal] = {}
    for claim in claims_in(files):
        found[claim.account] = found.get(claim.account, Decimal(0)) + claim.paid
    return found


def paid_out(files: Iterable[bytes]) -> Decimal:
    """The money that the files come with."""
    return sum((end.total for content in files for end in of_kind(PaymentEnd, all_said(content)[0])), Decimal(0))


def due(run: Run) -> dict[str, Decimal]:
    """What stands for each claim of the region by now."""
    return {account: paid for account, (_, paid, _) in decided(run).items()}


def reversed_in(files: Iterable[bytes]) -> Counter[str]:
    return Counter(claim.account for claim in claims_in(files) if claim.code == "22")


@pytest.mark.slow
def test_what_was_sent_is_taken_back_and_paid_anew_to_the_cent(tmp_path: Path) -> None:
    """Less than before: the rest is carried forward, and taken from the next night's payment."""
    run = paid_night(tmp_path)
    first = sent(standing(run.region))
    undo_run(run)
    pays_less(tmp_path, run.region)
    again = night(run.region)
    second = sent(standing(run.region))
    assert reversed_in(second) == Counter(list(due(run)))
    assert by_account([*first, *second]) == due(again)
    assert sum(due(again).values()) < paid_out(first)
    carried = Decimal(sum(each.carried for each in standing(run.region))) / 100
    assert paid_out([*first, *second]) == sum(due(again).values()) + carried
    assert carried > 0
    for content in second:
        oracle_835.compare(content)


def test_what_was_sent_under_a_date_that_was_wrong_is_taken_back_by_the_night_of_the_right_one(tmp_path: Path) -> None:
    """edi.md 6.4: the wrong date was the later one, and is taken off the calendar."""
    region = region_that_pays(tmp_path, plans=[plan(coinsurance_percent="20")])
    staged_837(tmp_path, region, written(claims(12)))
    wrong = night(region, days=2)
    first = sent(standing(region))
    undo_run(wrong)
    release(night_of(wrong))
    right = night(region)
    second = sent(standing(region))
    assert reversed_in(second) == Counter(list(due(right)))
    assert by_account([*first, *second]) == due(right)
    assert paid_out([*first, *second]) == sum(due(right).values())


def test_no_payment_is_handed_out_while_its_night_is_worked_anew(tmp_path: Path) -> None:
    """edi.md 6.4: who took it then would be paid what is void a moment later."""
    run = paid_night(tmp_path)
    document, *_ = standing(run.region)
    again = restart_run(run, attended=True, from_step="price")
    work(waiting_parts().filter(run=again).get().pk)
    document.refresh_from_db()
    assert document.voided_at is None
    with pytest.raises(Misuse, match="not complete: no payment of it is final"):
        hand_out(document)
    document.refresh_from_db()
    assert document.handed_out_at is None


@pytest.mark.slow
def test_what_is_carried_forward_is_taken_from_the_next_payment(tmp_path: Path) -> None:
    run = paid_night(tmp_path)
    files = sent(standing(run.region))
    undo_run(run)
    pays_less(tmp_path, run.region)
    again = night(run.region)
    files += sent(standing(run.region))
    later = written(claims(50)[12:], control=2)
    staged_837(tmp_path, night_of(again).region, later, name="later.txt", on=RUN_DATE + timedelta(days=1))
    next_night = night(run.region, days=1)
    files += sent(each for each in standing(run.region) if each.run_date > RUN_DATE)
    offsets = [each for content in files for each in of_kind(ProviderAdjustment, all_said(content)[0])]
    left = {each.trace for each in standing(run.region) if each.carried and not each.carried_in}
    assert {each.reason for each in offsets} == {"FB"}
    assert len([each for each in offsets if each.amount > 0]) > 0
    owing = Decimal(sum(each.carried for each in standing(run.region) if each.trace in left)) / 100
    assert paid_out(files) == sum(due(next_night).values()) + owing


@pytest.mark.slow
def test_what_never_left_is_not_taken_back(tmp_path: Path) -> None:
    run = paid_night(tmp_path)
    one, *others = standing(run.region)
    theirs = set(by_account(sent([one])))
    undo_run(run)
    with pytest.raises(Misuse, match="void"):
        hand_out(others[0])
    night(run.region)
    assert set(reversed_in(map(content_of, standing(run.region)))) == theirs


@pytest.mark.slow
def test_a_reversal_that_never_left_is_written_again_and_one_that_did_is_not(tmp_path: Path) -> None:
    run = paid_night(tmp_path, 4)
    files = sent(standing(run.region))
    undo_run(run)
    unsent = night(run.region)
    paid = list(due(unsent))
    assert reversed_in(map(content_of, standing(run.region))) == Counter(paid)
    undo_run(unsent)
    resent = night(run.region)
    files += sent(standing(run.region))
    assert reversed_in(files) == Counter(paid)
    undo_run(resent)
    last = night(run.region)
    files += sent(standing(run.region))
    assert reversed_in(files) == Counter(paid * 2)
    assert by_account(files) == due(last)
    assert paid_out(files) == sum(due(last).values())


@pytest.mark.slow
def test_claims_that_are_gone_are_taken_back_by_a_payment_of_nothing(tmp_path: Path) -> None:
    """Their batch was discarded: the next night takes back what was paid of it, and carries it forward."""
    run = paid_night(tmp_path, 6)
    region = night_of(run).region
    files = sent(standing(run.region))
    undo_run(run)
    release(night_of(run))
    discard(StagedBatch.objects.get(region=region))
    staged_837(tmp_path, region, written(claims(7)[6:], control=2), name="other.txt")
    night(region, days=1)
    last = sent(standing(region))
    assert set(reversed_in(last)) == set(by_account(files))
    assert not any(by_account([*files, *last])[account] for account in by_account(files))
    for content in last:
        oracle_835.compare(content)


@pytest.mark.parametrize("usage", ["T", "P"])
def test_a_payment_of_claims_that_are_gone_is_taken_back_on_the_way_that_it_went(tmp_path: Path, usage: str) -> None:
    """A test stays a test, and the group's sender is not the interchange's."""
    region = region_that_pays(tmp_path, plans=[plan(coinsurance_percent="20")])
    envelope: dict[str, Any] = {"sender_qualifier": "30", "receiver_qualifier": "30", "test": usage == "T"}
    staged_837(tmp_path, region, written(claims(3), **envelope))
    first = night(region)
    files = sent(standing(region))
    undo_run(first)
    release(night_of(first))
    discard(StagedBatch.objects.get(region=region))
    staged_tables(tmp_path / "other", {"claim_lines": [line("OTHER", provider_npi="Q")]}, region)
    night(region, days=1)
    last = sent(standing(region))
    assert Counter(map(way, last)) == Counter(map(way, files))
    assert {found.usage for found in map(way, last)} == {usage}


class Ends(NamedTuple):
    sender: tuple[str, str, str]
    receiver: tuple[str, str, str]
    usage: str


def way(content: bytes) -> Ends:
    (found,) = transactions(content, Findings())
    return Ends(
        sender=(found.sender_qualifier, found.sender, found.group_sender),
        receiver=(found.receiver_qualifier, found.receiver, found.group_receiver),
        usage=found.usage,
    )


@pytest.mark.slow
def test_the_export_hands_them_out(tmp_path: Path) -> None:
    run = paid_night(tmp_path, 3)
    assert not RemittanceDocument.objects.exclude(handed_out_at=None).exists()
    arguments = ("--region", str(run.region), "--run-date", str(RUN_DATE), "--output", str(tmp_path / "night"))
    call_command("export_pipeline", *arguments)
    assert not RemittanceDocument.objects.filter(handed_out_at=None).exists()
