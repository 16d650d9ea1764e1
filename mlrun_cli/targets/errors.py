"""The errors of engines, such as Slurm, that run the jobs of compute targets."""

from __future__ import annotations

from mlrun_cli.errors import MlrunError


class EngineUnavailable(MlrunError):
    """The engine does not answer, or answers something that cannot be understood."""


class EngineRefused(MlrunError):
    """The engine refuses a job; the message contains its words."""
