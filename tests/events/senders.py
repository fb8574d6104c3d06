"""A laboratory and a point of sale that send: signed CloudEvents, and HL7 v2 messages."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()


def cloud_event(**changes: Any) -> dict[str, Any]:
    """A laboratory's, of a sample that was collected."""
    data = {"appointment_id": "A-1", "order_id": "O-7", "occurred_at": "2026-11-29T09:30:00Z", "patient": "Mrs Example"}
    event = {
        "specversion": "1.0", "id": "c-1", "source": "https://lis.example/north", "type": "lis.sample.collected",
        "subject": "O-7", "datacontenttype": "application/json", "data": data,
    }  # fmt: skip
    return {**event, **changes}


def signature(body: bytes, message: str, timestamp: str, secret: str = SECRET) -> str:
    """v1 of Standard Webhooks, worked out here apart from the product."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def signed(body: bytes, *secrets: str, message: str = "msg_1", age: float = 0) -> dict[str, str]:
    """The headers; a signature for each secret."""
    timestamp = str(int(time.time() - age))
    made = [signature(body, message, timestamp, secret) for secret in secrets or (SECRET,)]
    return {"webhook-id": message, "webhook-timestamp": timestamp, "webhook-signature": " ".join(made)}


def written(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def oru(control_id: str = "M1", *, state: str = "F", order: str = "O-7", **fields: str) -> bytes:
    """A result of a laboratory, full of what belongs to the patient."""
    parts = {"kind": "ORU^R01^ORU_R01", "processing": "P", "version": "2.5.1", "visit": "A-1", **fields}
    lines = [
        f"MSH|^~\\&|LAB|NORTH|NIGHTWARD|CLINIC|20261129093000||{parts['kind']}|{control_id}|{parts['processing']}"
        f"|{parts['version']}",
        "PID|1||MRN-77^^^NORTH||EXAMPLE^ANNA||19700101|F",
        f"PV1|1|O|||||||||||||||||{parts['visit']}",
        "ORC|RE",
        f"OBR|1|{order}|F-9^LAB|2345-7^GLUCOSE^LN|||20261129080000|||||||||||||||20261129093000-0600|||{state}",
        "OBX|1|NM|2345-7^GLUCOSE^LN||99|mg/dL|70-105|N|||F",
    ]
    return "".join(f"{line}\r" for line in lines).encode()


def oml(control_id: str = "M1", *, control: str = "NW", specimen: str = "", order: str = "O-7") -> bytes:
    """An order, or news of its specimen."""
    lines = [
        f"MSH|^~\\&|LAB|NORTH|NIGHTWARD|CLINIC|20261129093000||OML^O21^OML_O21|{control_id}|P|2.5.1",
        "PID|1||MRN-77^^^NORTH||EXAMPLE^ANNA",
        "PV1|1|O|||||||||||||||||A-1",
        f"ORC|{control}|{order}|||||||20261129080000",
        f"OBR|1|{order}||2345-7^GLUCOSE^LN",
        *([specimen] if specimen else []),
    ]
    return "".join(f"{line}\r" for line in lines).encode()


# SPM-17 collected, SPM-18 received, SPM-21 reject reason.
COLLECTED = "SPM|1|S-1||BLD|||||||||||||20261129081500"
RECEIVED = COLLECTED + "|20261129091500"
REJECTED = RECEIVED + "|||QS^Quantity not sufficient^HL70490"
