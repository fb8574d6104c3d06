"""`sandbox lis`: tell Nightward what a laboratory did with a sample, by webhook or with --mllp as HL7 v2."""

import argparse
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from backoffice.sandbox import sender
from backoffice.sandbox.cloudevents import Event
from backoffice.sandbox.lis import hl7, mllp
from backoffice.sandbox.refused import Failed, Refused

EVENTS: Final = tuple(hl7.STAGES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sandbox lis`."""
    sender.add_arguments(parser, "lis", EVENTS)
    parser.add_argument("--specimen", metavar="ID", help="default made of the order")
    parser.add_argument("--test", default="GLU", metavar="CODE", help="default GLU")
    parser.add_argument("--reason", default="QS", metavar="CODE", help="of rejected, HL7 table 0490; default QS")
    parser.add_argument("--patient", default="SANDBOX-1", metavar="ID", help="in HL7 messages; default SANDBOX-1")
    parser.add_argument("--mllp", metavar="HOST:PORT", help="send HL7 v2.5.1 there instead")


def run(options: dict[str, Any], home: Path, say: Callable[[str], object]) -> None:
    """Send one event; a line for each answer. Raises Refused and Failed."""
    sample = _sample(options)
    if options["mllp"]:
        _send_hl7(options, sample, say)
        return
    data = {"appointment_id": sample.appointment, "order_id": sample.order, "test_code": sample.test}
    if options["event"] != "ordered":
        data |= {"specimen_id": sample.specimen, "accession": sample.accession}
    if options["event"] == "rejected":
        data["reason_code"] = sample.reason
    event = Event(
        type=f"lis.sample.{options['event']}",
        source="/sandbox/lis",
        subject=sample.order,
        data=data,
        **({"id": options["id"]} if options["id"] else {}),
    )
    sender.send("lis", options, event, say)


def _sample(options: dict[str, Any]) -> hl7.Sample:
    order = options["order"] or f"LO-{options['appointment']}"
    return hl7.Sample(
        appointment=options["appointment"],
        order=order,
        accession=f"ACC-{order}",
        specimen=options["specimen"] or f"SP-{order}",
        test=options["test"],
        reason=options["reason"],
        patient=options["patient"],
    )


def _send_hl7(options: dict[str, Any], sample: hl7.Sample, say: Callable[[str], object]) -> None:
    host, _, port = options["mllp"].rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536) or options["times"] < 1:
        raise Refused("--mllp is HOST:PORT, --times a number from 1")
    control_id = (options["id"] or uuid.uuid4().hex)[:20]  # MSH-10 has twenty characters in 2.5.1
    text = hl7.message(options["event"], sample, control_id, datetime.now(UTC))
    try:
        answers = mllp.exchange(host, int(port), text, times=options["times"])
    except (OSError, mllp.NoAnswer) as error:
        raise Failed(f"{options['mllp']}: {error}") from error
    for answer in answers:
        code, why = hl7.acknowledged(answer, control_id)
        say(f"{options['event']} {sample.order}, control id {control_id}: {code or 'no acknowledgement'}")
        if code not in ("AA", "CA"):
            raise Failed(f"{code or 'no acknowledgement'} {why}".rstrip())
