"""What programs of version 0.1 load in their first transaction, perhaps after an upgrade; until version 0.3."""


class Recorder:
    """Records nothing beside the store, as where it cannot be written: `workspace repair` makes up for it."""

    def __init__(self, *_: object) -> None:
        """Take what the recorder of version 0.1 takes."""

    def begin(self) -> None:
        """Begin a transaction."""

    def write(self) -> None:
        """End it."""
