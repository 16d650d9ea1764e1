"""The priority of a run in its queue."""

from __future__ import annotations

from enum import Enum


class Priority(str, Enum):
    """A priority by name; `rank` is the number by which runs in a queue are ordered, highest first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """The number that represents the priority in the store."""
        return {Priority.HIGH: 1, Priority.NORMAL: 0, Priority.LOW: -1}[self]
