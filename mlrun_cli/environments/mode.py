"""Environment modes: how strictly the versions in a runconfig are applied."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from enum import Enum

from mlrun_cli.core.named_tuple import NamedTuple

MODE_VARIABLE = "MLRUN_ENVIRONMENT"

_OLDEST_DAY = date(2008, 12, 3)
"""The release date of Python 3.0."""


class EnvironmentMode(str, Enum):
    """A mode that determines how strictly the versions in a runconfig are applied."""

    PINNED = "pinned"
    RELAXED = "relaxed"
    """The same packages, but versions that are not available are left open."""
    DATED = "dated"
    """Unpinned packages as they were on a given day."""
    CURRENT = "current"
    """The unchanged interpreter on PATH."""


class EnvironmentChoice(NamedTuple):
    """An environment mode with its day, written as `pinned`, `relaxed`, `current`, `dated` or `dated:2020-06-01`.

    Attributes:
        mode: the mode.
        day: the day for `dated`; None if it is derived from the files with the dependencies.
    """

    mode: EnvironmentMode = EnvironmentMode.PINNED
    day: date | None = None

    def __str__(self) -> str:
        return self.mode.value if self.day is None else f"{self.mode.value}:{self.day.isoformat()}"

    @classmethod
    def parse(cls, text: str) -> EnvironmentChoice:
        """Parse the name of an environment mode, or `dated:DAY`.

        Raises:
            ValueError: the text is not valid.
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
        """Parse an environment mode given by a user, and check that its day is plausible.

        Raises:
            ValueError: the text or the day is not valid; the message explains why.
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
