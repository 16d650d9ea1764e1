"""Handles of runs of submitted scripts."""

from typing import Any

from azureml.core.run import Run

__all__ = ["ScriptRun"]


class ScriptRun(Run):
    """A handle of a submitted script's run, as returned by `Experiment.submit`."""

    RUN_TYPE = "azureml.scriptrun"

    def __init__(
        self,
        experiment: Any,
        run_id: str,
        directory: "str | None" = None,
        _run_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(experiment, run_id, **kwargs)
        self._directory = directory
        self._run_config = _run_config
