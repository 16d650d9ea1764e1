"""The interface that each kind of controller implements: one step of its run after each change of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus


class Ending(NamedTuple):
    """The end of a controlled run.

    Attributes:
        status: Completed, Failed or Canceled.
        error: the error of a failed run, in Azure's format.
        properties: properties that the run gets at its end.
        warnings: remarks on the run.
    """

    status: RunStatus
    error: Mapping[str, Any] | None = None
    properties: Mapping[str, str] = MappingProxyType({})
    warnings: Sequence[str] = ()


class RunController(Protocol):
    """The part of a controller that depends on the kind of its run.

    Objects are made anew whenever a controller starts, and are told nothing of what an earlier one has done: that is in
    the store and in the run's folder.
    """

    def step(self, run: Run) -> Ending | None:
        """Advance the run as far as currently possible; return its ending, or None while child runs are live.

        Args:
            run: the current row of the run, without tags and properties. If its status is CancelRequested, its child
                runs are to be canceled.

        Raises:
            StoreUnavailable, DiskFull, FileNotWritable, EngineUnavailable: something is away; the step is tried again.
        """

    def get_timeout_seconds(self) -> float | None:
        """Return the seconds after which a step is due even if the store has not changed, or None if none is due."""

    def append_to_log(self, text: str) -> None:
        """Append a line to the log of the run."""
