"""How far what a runconfig asks for has to be met by the environment of a run."""

from __future__ import annotations

from enum import Enum

MODE_VARIABLE = "MLRUN_ENVIRONMENT"


class EnvironmentMode(str, Enum):
    """How far what a runconfig asks for has to be met."""

    PINNED = "pinned"
    RELAXED = "relaxed"
    """The same names; versions that cannot be had are left open."""
    CURRENT = "current"
    """The interpreter on PATH, as it is."""
