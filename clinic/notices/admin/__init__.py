"""Pages: the ledger, the texts, and who has a message at bedtime."""

from clinic.notices.admin.enrolments import BedTimeEnrolmentAdmin as BedTimeEnrolmentAdmin
from clinic.notices.admin.ledger import NoticeAdmin as NoticeAdmin
from clinic.notices.admin.templates import TemplateAdmin as TemplateAdmin
