"""The admin pages of the clinic's jobs."""

from clinic.care.admin import eligibility as eligibility
from clinic.care.admin import patients as patients
from clinic.care.admin import schedule as schedule
