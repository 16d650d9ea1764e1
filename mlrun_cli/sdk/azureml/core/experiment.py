"""Handle of an experiment."""

from __future__ import annotations

from azureml.core._to_come import to_come


class Experiment:
    """A named group of runs, as a script inside a run sees it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"Experiment(Name: {self._name})"

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def workspace(self) -> object:
        """Not there yet: raises UserErrorException."""
        raise to_come("run.experiment.workspace")
