"""The colours of how appointments, laboratories' orders and orders at a till stand. No colour is the only sign."""

from clinic.booking.models import LabOrder, PosOrder
from clinic.booking.states import State

TONES = {
    State.BOOKED: "busy", State.RESCHEDULED: "busy", State.CONFIRMED: "good", State.ARRIVED: "good",
    State.SAMPLE_COLLECTED: "good", State.IN_PROGRESS: "good", State.COMPLETED: "", State.CANCELLED: "",
    State.MISSED: "bad",
}  # fmt: skip
LAB_TONES = {
    LabOrder.State.RESULTED: "good", LabOrder.State.REJECTED: "bad", LabOrder.State.COLLECTED: "busy",
    LabOrder.State.RECEIVED: "busy", LabOrder.State.PRELIMINARY: "busy",
}  # fmt: skip
POS_TONES = {
    PosOrder.State.PAID: "good", PosOrder.State.PARTLY_PAID: "warn", PosOrder.State.PARTLY_REFUNDED: "warn",
}  # fmt: skip
