"""Pages: consumers and how they stand, dead letters, and what from outside belongs to nothing known here."""

from clinic.events.admin.letters import DeadLetterAdmin as DeadLetterAdmin
from clinic.events.admin.unmatched import UnmatchedAdmin as UnmatchedAdmin
