"""What lives for one part of a submission: the region, its clearinghouse, and the mailbox once it is needed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from backoffice.adapters.sftp import Mailbox
from backoffice.runs.models import StepPart
from billing.mailbox import opened
from claims.edi.claims import Kind
from claims.edi.outbound import Envelope
from regions.clearinghouse import Clearinghouse, clearinghouse_of
from regions.models import Region
from regions.of_run import region_of


@dataclass(kw_only=True)
class Submission:
    """Opened for one part."""

    part: StepPart
    region: Region
    clearinghouse: Clearinghouse
    stack: ExitStack

    @cached_property
    def mailbox(self) -> Mailbox:
        """Connected when it is first asked for. Nothing is marked as on its way before it is there."""
        return self.stack.enter_context(opened(self.clearinghouse.server))

    @property
    def usage(self) -> str:
        return "T" if self.clearinghouse.test else "P"

    def envelope(self, kind: Kind, control: int) -> Envelope:
        """Who sends what to whom, now, as the region's clocks show it."""
        house = self.clearinghouse
        return Envelope(
            kind=kind,
            control=control,
            when=datetime.now(self.region.zone),
            test=house.test,
            sender=house.sender,
            receiver=house.receiver,
            sender_qualifier=house.sender_qualifier,
            receiver_qualifier=house.receiver_qualifier,
            group_sender=house.group_sender,
            group_receiver=house.group_receiver,
            submitter=house.submitter,
            submitter_id=house.submitter_id,
            contact=house.contact,
            phone=house.phone,
            receiver_name=house.receiver_name,
            receiver_id=house.receiver_id,
            acknowledge=house.acknowledge,
            line_break=house.line_break,
            claims_per_set=house.claims_per_set,
        )


@contextmanager
def open_submission(part: StepPart) -> Iterator[Submission]:
    """ConfigError says what the region lacks."""
    region = region_of(part)
    with ExitStack() as stack:
        yield Submission(part=part, region=region, clearinghouse=clearinghouse_of(region), stack=stack)
