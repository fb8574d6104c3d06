"""The tables of the booking, by what they are about."""

from clinic.booking.models.outside import LabOrder as LabOrder
from clinic.booking.models.outside import PosEvent as PosEvent
from clinic.booking.models.outside import PosOrder as PosOrder
from clinic.booking.models.outside import SampleEvent as SampleEvent
from clinic.booking.models.resources import AppointmentType as AppointmentType
from clinic.booking.models.resources import HoursException as HoursException
from clinic.booking.models.resources import Kind as Kind
from clinic.booking.models.resources import Need as Need
from clinic.booking.models.resources import Resource as Resource
from clinic.booking.models.resources import WeeklyHours as WeeklyHours
from clinic.booking.models.visits import Appointment as Appointment
from clinic.booking.models.visits import Cell as Cell
from clinic.booking.models.visits import Hold as Hold
from clinic.booking.models.visits import KeptAnswer as KeptAnswer
from clinic.booking.models.visits import Move as Move
from clinic.booking.models.visits import WaitlistEntry as WaitlistEntry
