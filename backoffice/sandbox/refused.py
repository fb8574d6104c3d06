"""Why a peer does not start."""


class Refused(Exception):
    """Wrong use: the message is one line that says what to do. Exit status 2."""
