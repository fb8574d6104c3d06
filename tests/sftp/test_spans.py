"""Each call to a mailbox is a span of whoever makes it: the host and what was asked, never a file's name."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backoffice.adapters.sftp import Unreachable, connect
from backoffice.sandbox.clearinghouse import ClearinghouseServer
from backoffice.telemetry.tracing import span
from tests.sftp.world import CONTENT, NAME, PASSWORD, USER, account, talking
from tests.telemetry.test_traces import spans as spans
from tests.telemetry.test_traces import trace_of


def test_what_is_put_listed_and_taken_is_in_the_trace_of_its_run(
    spans: InMemorySpanExporter, clearinghouse: ClearinghouseServer
) -> None:
    """[S4-11]"""
    (clearinghouse.desk.outbound / NAME).write_bytes(CONTENT)
    with span("run"), connect(account(clearinghouse)) as mailbox:
        mailbox.put(NAME, CONTENT)
        (file,) = mailbox.listing()
        assert mailbox.get(file) == CONTENT
    found = spans.get_finished_spans()
    assert [one.name.removesuffix(" 127.0.0.1") for one in found] == [
        "sftp log in", "sftp put", "sftp list", "sftp get", "run",
    ]  # fmt: skip
    assert len({trace_of(one) for one in found}) == 1
    said = "".join(one.to_json() for one in found)
    assert not any(word in said for word in (NAME, USER, PASSWORD))


def test_each_try_at_a_mailbox_that_hangs_up_is_an_error_of_its_own(
    spans: InMemorySpanExporter, clearinghouse: ClearinghouseServer
) -> None:
    with talking(lambda connection: connection.close()) as port:
        known_hosts = clearinghouse.known_hosts.replace(str(clearinghouse.port), str(port))
        server = account(clearinghouse, port=port, known_hosts=known_hosts)
        with span("run"), pytest.raises(Unreachable), connect(server):
            pass
    tries = [one for one in spans.get_finished_spans() if one.name == "sftp log in 127.0.0.1"]
    assert len(tries) == 3
    assert {one.status.status_code for one in tries} == {trace.StatusCode.ERROR}
    assert {(one.attributes or {})["error.type"] for one in tries} == {"Unreachable"}
