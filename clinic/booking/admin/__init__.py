"""The booking in the admin: calendar, appointments, waitlist, holds, and what can be booked."""

from clinic.booking.admin import appointments as appointments
from clinic.booking.admin import catalogue as catalogue
from clinic.booking.admin import lists as lists
from clinic.booking.admin import outside as outside
