"""A module that programs of version 0.1 load in their first transaction, even after an upgrade; until version 0.3."""


class Recorder:
    """A recorder that does nothing; `workspace repair` later writes what is missing."""

    def __init__(self, *_: object) -> None:
        """Accept and ignore the arguments of version 0.1's recorder."""

    def begin(self) -> None:
        """Do nothing at the start of a transaction."""

    def write(self) -> None:
        """Do nothing at the end of a transaction."""
