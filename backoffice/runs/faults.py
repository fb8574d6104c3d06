"""The faults of a run, by class: an item's, the run's end, and a request that cannot be carried out."""


class ItemError(Exception):
    """This item cannot be done, the others can. Both arguments are coded words, never data of a patient."""

    def __init__(self, category: str, reason: str) -> None:
        super().__init__(f"{category}: {reason}")
        self.category, self.reason = category, reason


class RunEnds(Exception):
    """The run cannot go on; `reason` is its code, the message one line for the person who reads the run's page."""

    reason = "failed"


class TransientError(RunEnds):
    """The other side did not do its part, after the adapter's retries. Of an item it is the item's fault alone."""

    reason = "other_side"


class ConfigError(RunEnds):
    """Nothing of this run can succeed until somebody changes something; the message says what."""

    reason = "configuration"


class WrongUse(RunEnds):
    """What was asked for is not there, as the run alone could find out; the message says what to ask for. Status 2."""

    reason = "wrong_use"


class OutOfBalance(RunEnds):
    """Two figures that must be equal are not; the message names both."""

    reason = "out_of_balance"


class Misuse(Exception):
    """A request that cannot be carried out as it was put; the message is one line that says what to do."""
