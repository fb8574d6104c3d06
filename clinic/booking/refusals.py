"""Why the desk refuses: each a word for programs and a line for people, without anything of a patient."""


class Refusal(Exception):
    """What was asked for cannot be done as things are. `code` does not change."""

    code = "conflict"

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class SlotTaken(Refusal):
    """One of the resources is taken at that time."""

    code = "slot_taken"


class NotASlot(Refusal):
    """No appointment of this type can begin then: it is past, closed, between two steps, or a resource does not fit."""

    code = "not_a_slot"


class PatientBusy(Refusal):
    """The patient has another visit at that time."""

    code = "patient_busy"


class PatientRemoved(Refusal):
    """The patient was removed: nothing is booked, held or waited for in that name."""

    code = "patient_removed"


class TooManyHolds(Refusal):
    """The patient has as many slots held as one may have at a time. Confirm or release one of them first."""

    code = "too_many_holds"


class HoldOver(Refusal):
    """The hold is over: it expired, was released or is an appointment already."""

    code = "hold_over"


class MoveNotAllowed(Refusal):
    """The state that the appointment is in does not allow this move."""

    code = "move_not_allowed"


class NotItsDay(Refusal):
    """A patient is checked in on the day of the visit, by the region's clock; staff may enter it afterwards as well."""

    code = "not_its_day"


class NotBegun(Refusal):
    """A visit can be missed once it has begun. Who says before that they do not come gives it up: cancel it."""

    code = "not_begun"


class ChangedMeanwhile(Refusal):
    """Somebody else has changed the appointment meanwhile; read it again."""

    code = "changed_meanwhile"


class ExternalIdUsed(Refusal):
    """Another appointment of the region has this external id."""

    code = "external_id_used"


class NotInLine(Refusal):
    """The entry is not in line any more."""

    code = "not_in_line"
