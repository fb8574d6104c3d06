"""The sandbox clearinghouse's files that are not X12 are read here without a finding. edi.md 3; S3-10, S3-11."""

from pathlib import Path

import pytest

from backoffice.sandbox.clearinghouse.desk import Desk
from backoffice.sandbox.clearinghouse.faults import clearinghouse_faults
from backoffice.sandbox.clearinghouse.reports import MEANS
from claims.edi.classify import Kind, classify
from claims.edi.findings import Findings
from claims.edi.outbound import file_name
from claims.edi.remittance import PaymentEnd
from claims.edi.reports import read_file_summary, unzipped
from tests.edi.oracle_835 import of_kind
from tests.edi.written import all_said
from tests.sandbox.test_clearinghouse_answers import CLAIMS, ENVELOPE, NOW, SENT


@pytest.fixture
def delivered(tmp_path: Path) -> dict[Kind, tuple[str, bytes]]:
    """Of a file of twenty claims, the second of which is refused: by kind, what is answered."""
    desk = Desk(tmp_path, user="clinic", faults=clearinghouse_faults(), pay=True, now=lambda: NOW)
    desk.summary = desk.zip = True
    desk.rejects["277ca"].add(CLAIMS[1].control)
    (desk.inbound / file_name(ENVELOPE)).write_bytes(SENT)
    desk.sweep()
    desk.sweep()
    files = [(name, (desk.outbound / name).read_bytes()) for name in desk.delivered]
    return {classify(content, name): (name, content) for name, content in files}


def test_a_file_summary_says_of_each_claim_whether_it_was_taken(delivered: dict[Kind, tuple[str, bytes]]) -> None:
    name, content = delivered[Kind.FILE_SUMMARY]
    findings = Findings()
    summary = read_file_summary(content, findings)
    assert findings.found == []
    assert (name, summary.name) == ("FS_HCFA_100000001_IN_C.txt", file_name(ENVELOPE))
    refused = CLAIMS[1].control
    assert {row.account: row.outcome for row in summary.rows} == {
        claim.control: "error" if claim.control == refused else "accepted" for claim in CLAIMS
    }
    (error,) = (row for row in summary.rows if row.errors)
    assert [summary.legend[code] for code in error.errors] == [MEANS]
    assert len({row.clearinghouse_claim for row in summary.rows}) == len(CLAIMS)


def test_a_payment_comes_in_a_zip_with_a_report_of_it(delivered: dict[Kind, tuple[str, bytes]]) -> None:
    name, content = delivered[Kind.ZIP]
    assert Kind.PAYMENT not in delivered
    assert name.endswith("_ERA_STATUS_5010_20260302.zip")
    findings = Findings()
    members = {classify(inner, inner_name): inner for inner_name, inner in unzipped(content, findings)}
    assert (set(members), findings.found) == ({Kind.PAYMENT, Kind.PAYMENT_REPORT}, [])
    (*_, end) = of_kind(PaymentEnd, all_said(members[Kind.PAYMENT])[0])
    assert end.postable
