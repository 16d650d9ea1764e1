"""Modes of an environment: how strictly a runconfig's versions are taken."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from enum import Enum

from mlrun_cli.core.named_tuple import NamedTuple

MODE_VARIABLE = "MLRUN_ENVIRONMENT"

_OLDEST_DAY = date(2008, 12, 3)
"""When Python 3.0 came out."""


class EnvironmentMode(str, Enum):
    """How strictly the versions of a runconfig are taken."""

    PINNED = "pinned"
    RELAXED = "relaxed"
    """The same names; versions that cannot be had are left open."""
    DATED = "dated"
    """What is not pinned is as it was on a day."""
    CURRENT = "current"
    """The interpreter on PATH, as it is."""


class EnvironmentChoice(NamedTuple):
    """A mode as it is typed: `pinned`, `relaxed`, `current`, `dated` or `dated:2020-06-01`.

    Attributes:
        mode: which.
        day: for `dated`; None where the files with the dependencies tell.
    """

    mode: EnvironmentMode = EnvironmentMode.PINNED
    day: date | None = None

    def __str__(self) -> str:
        return self.mode.value if self.day is None else f"{self.mode.value}:{self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> EnvironmentChoice:
        """Parse a mode, or `dated:DAY`.

        Raises:
            ValueError: it means none.
        """
        name, has_day, day = text.strip().lower().partition(":")
        try:
            mode = EnvironmentMode(name)
        except ValueError:
            known = ", ".join(mode.value for mode in EnvironmentMode)
            raise ValueError(f"'{name}' is not a mode. Use one of {known}.") from None
        if has_day and mode is not EnvironmentMode.DATED:
            raise ValueError(f"'{name}' takes no day; only 'dated' does.")
        return cls(mode, _parse_day(day) if has_day else None)

    @classmethod
    def parse_and_check(cls, text: str) -> EnvironmentChoice:
        """Parse a choice that a user has typed; its day must not be in the future.

        Raises:
            ValueError: it means none, or the day cannot be meant; the message says why.
        """
        choice = cls.parse(text)
        if choice.day is not None and choice.day > datetime.now(timezone.utc).date():
            raise ValueError(f"the day {choice.day} is still to come.")
        if choice.day is not None and choice.day < _OLDEST_DAY:
            raise ValueError(f"on {choice.day} there was no Python 3 yet.")
        return choice


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else "")
    except ValueError:
        raise ValueError(f"'{text}' is not a day: write it as in dated:2020-06-01.") from None
