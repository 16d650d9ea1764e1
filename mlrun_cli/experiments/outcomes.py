"""Counts of an experiment's runs by their outcome."""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.experiments.experiment import Experiment


class ExperimentOutcomes(NamedTuple):
    """An experiment with the number of its runs by outcome, child runs left out.

    `last_activity_at` is when one of its runs was last made, started or ended, in microseconds; None without runs.
    """

    experiment: Experiment
    completed: int = 0
    failed: int = 0
    canceled: int = 0
    active: int = 0
    last_activity_at: int | None = None

    @property
    def total(self) -> int:
        """The number of its runs."""
        return self.completed + self.failed + self.canceled + self.active
