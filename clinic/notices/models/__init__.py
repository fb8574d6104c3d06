"""The tables of the notifications, by what they are about."""

from clinic.notices.models.ledger import Channel as Channel
from clinic.notices.models.ledger import Kind as Kind
from clinic.notices.models.ledger import Notice as Notice
from clinic.notices.models.ledger import NoticeStep as NoticeStep
from clinic.notices.models.ledger import State as State
from clinic.notices.models.people import BedTimeEnrolment as BedTimeEnrolment
from clinic.notices.models.people import HeededText as HeededText
from clinic.notices.models.people import OptOut as OptOut
from clinic.notices.models.texts import Template as Template
