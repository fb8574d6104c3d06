"""From where on a figure of the five priorities is looked at, and from where on somebody acts; with the reasons.

deploy/prometheus/rules.yml says the same, and a test compares the two.
"""

from datetime import timedelta
from typing import Final

# Of what lies back so far the page speaks.
WINDOW_MINUTES: Final = 15
# With fewer attempts a share says nothing.
JUDGED: Final = 20

# Seconds that 95 of 100 answers of the API do not exceed: a person at a desk waits for them.
API_LOOK: Final = 1.0
API_ACT: Final = 2.5
# Share of the API's answers that are 5xx.
API_FAILS: Final = 0.02
# Share of the attempts to book that lead to an appointment; a refusal is no fault, but many of them are a sign.
BOOKED_LOOK: Final = 0.8
# Share of the messages that their vendor has taken.
DELIVERED_LOOK: Final = 0.95
# Since when a laboratory was not heard of: one day, for it does not work each hour.
LABORATORY_SILENT: Final = timedelta(days=1)
# Age of the oldest event that a consumer is not done with.
EVENT_LOOK: Final = timedelta(minutes=2)
EVENT_ACT: Final = timedelta(minutes=10)
# From the end of a span to the collector.
TRACE_LOOK: Final = timedelta(minutes=1)
