"""Numbers of an experiment's runs by outcome."""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.experiments.experiment import Experiment


class ExperimentOutcomes(NamedTuple):
    """An experiment with the numbers of its runs by outcome, except child runs.

    `last_activity_at` is when a run was last created, started or ended, in microseconds; None if there are no runs.
    """

    experiment: Experiment
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    active: int = 0
    last_activity_at: int | None = None

    @property
    def total_runs(self) -> int:
        """The total number of runs, including active ones."""
        return self.completed + self.failed + self.canceled + self.active
