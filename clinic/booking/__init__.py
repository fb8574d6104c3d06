"""Appointments: resources, their hours, slots, holds, the waitlist, and the moves from booked to completed."""
