"""Why a peer does not start, or does not get through."""


class Refused(Exception):
    """Wrong use: the message is one line that says what to do. Exit status 2."""


class Failed(Exception):
    """What was to be sent was not taken: the message is one line that says why. Exit status 1."""
