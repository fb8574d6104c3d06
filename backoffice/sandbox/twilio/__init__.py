"""The sandbox Twilio: the Messages resource of its 2010 API, delivery, STOP, and webhooks that are signed."""

from backoffice.sandbox.twilio.account import ACCOUNT, FROM, SERVICE, Twilio, twilio_faults
from backoffice.sandbox.twilio.courier import signature_of

__all__ = ["ACCOUNT", "FROM", "SERVICE", "Twilio", "signature_of", "twilio_faults"]
