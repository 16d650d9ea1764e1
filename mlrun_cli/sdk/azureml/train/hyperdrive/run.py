"""Handles of sweeps."""

import json
from typing import Any, Dict, List, cast

from azureml._client.client import get_client
from azureml.core.run import Run
from azureml.train.hyperdrive.exceptions import (
    HyperDriveConfigException,
    HyperDriveNotImplementedException,
    HyperDriveRehydrateException,
)

__all__ = ["TERMINAL_STATES", "HyperDriveRun"]

TERMINAL_STATES = ["Completed", "Failed", "Canceled"]


class HyperDriveRun(Run):
    """A handle of a sweep, as returned by `Experiment.submit(HyperDriveConfig(…))`.

    The runs of the sweep are its children. Their best values of the primary metric are the best of all values that they
    have logged, not the last ones.
    """

    RUN_TYPE = "hyperdrive"
    LOG_NAME = "azureml-logs/hyperdrive.txt"
    _hyperdrive_config: Any = None

    def __init__(self, experiment: Any, run_id: str, hyperdrive_config: Any = None, **kwargs: Any) -> None:
        """Initialize the handle of an existing sweep.

        Args:
            experiment: The experiment of the sweep.
            run_id: The id of the sweep.
            hyperdrive_config: The configuration of the sweep, if it is at hand.
            kwargs: Accepted for compatibility with Azure.

        Raises:
            UserErrorException: The experiment has no such run.
            HyperDriveRehydrateException: The run is not a sweep.
        """
        super().__init__(experiment, run_id, **kwargs)
        self._hyperdrive_config = hyperdrive_config
        if not kwargs.get("_is_known"):
            self._get_sweep(run_limit=0)

    @property
    def hyperdrive_config(self) -> Any:
        """The HyperDriveConfig of the sweep.

        If it was not submitted with this handle, its `run_config` is `ScriptRunConfig(".")`, as in Azure.

        Raises:
            HyperDriveRehydrateException: The run is not a sweep.
        """
        if self._hyperdrive_config is None:
            from azureml.train.hyperdrive.runconfig import HyperDriveConfig

            self._hyperdrive_config = HyperDriveConfig._from_definition(self._get_sweep(run_limit=0)["definition"])
        return self._hyperdrive_config

    # Runs of the sweep

    def get_best_run_by_primary_metric(
        self, include_failed: bool = True, include_canceled: bool = True, include_resume_from_runs: bool = True
    ) -> "Run | None":
        """Return the run with the best value of the primary metric, or None if no run has logged it.

        Args:
            include_failed: Whether a failed run can be the best.
            include_canceled: Whether a canceled run can be the best, such as one that a policy has ended.
            include_resume_from_runs: Whether a run of the sweeps that this one resumes from can be the best.
        """
        sweep = self._get_sweep()
        records: List[Dict[str, Any]] = list(sweep["runs"])
        if include_resume_from_runs:
            for run_id in sweep["definition"].get("resume_from") or []:
                earlier = self._request_for_workspace("runs.sweep", run_id=run_id)
                records += earlier["runs"] if earlier else []
        included = {"Failed": include_failed, "Canceled": include_canceled}
        found = [record for record in records if record["best"] is not None and included.get(record["status"], True)]
        if not found:
            return None
        goal = sweep["definition"]["primary_metric_config"]["goal"]
        best = (min if goal == "minimize" else max)(found, key=lambda record: cast("float", record["best"]))
        return Run._from_record(
            self._names, get_client().request("runs.get", workspace=self._names, run_id=best["run_id"])
        )

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> List[Dict[str, Any]]:
        """Return the runs of the sweep as dicts, by default all of them, best first.

        The keys are `run_id`, `hyperparameters` (JSON text, or None), `best_primary_metric` (None without a value) and
        `status`.

        Args:
            top: The number of runs to return; 0 for all.
            reverse: Whether the worst run comes first; runs without the metric come last even then.
            discard_no_metric: Whether to leave out runs without the metric.

        Raises:
            HyperDriveConfigException: `top` is not a number of 0 or more.
        """
        if isinstance(top, bool) or not isinstance(top, int) or top < 0:
            raise HyperDriveConfigException(f"top has to be a whole number of 0 or more, and is {top!r}.")
        records = self._get_sweep()["runs"]
        measured = [record for record in records if record["best"] is not None]
        others = [] if discard_no_metric else [record for record in records if record["best"] is None]
        ordered = [*(reversed(measured) if reverse else measured), *others]
        return [
            {
                "run_id": record["run_id"],
                "hyperparameters": json.dumps(record["values"]) if record["values"] else None,
                "best_primary_metric": record["best"],
                "status": record["status"],
            }
            for record in (ordered[:top] if top else ordered)
        ]

    def get_hyperparameters(self) -> Dict[str, str]:
        """Return the sampled parameters of each run as JSON text, keyed by run id, in the order of sampling."""
        numbers = {}
        for key, text in self.get_tags().items():
            beginning, _, number = key.rpartition("_")
            if beginning == self.id and number.isdigit() and text is not None:
                numbers[int(number)] = (key, text)
        return dict(numbers[number] for number in sorted(numbers))

    def get_metrics(
        self,
        name: "str | None" = None,
        recursive: bool = True,
        run_type: "str | None" = None,
        populate: bool = False,
    ) -> Dict[str, Any]:
        """Return the metrics of the sweep's runs, keyed by run id; runs without metrics are omitted.

        Args:
            name: The name of a metric, by default all.
            recursive: Accepted for compatibility with `Run.get_metrics`; the metrics are always those of the runs.
            run_type: The type of the runs, by default all.
            populate: Whether metrics stored as files are returned as `Artifact` instead of as URIs.
        """
        found = super().get_metrics(name, True, run_type, populate)
        return {run_id: metrics for run_id, metrics in found.items() if metrics and run_id != self.id}

    # The sweep itself

    def cancel(self) -> bool:  # type: ignore[override]
        """Request cancellation of the sweep and its runs; always return True, like Azure."""
        super().cancel()
        return True

    def fail(self, *args: Any, **kwargs: Any) -> None:
        """Raise HyperDriveNotImplementedException, as in Azure, since a sweep cannot be marked as failed."""
        raise HyperDriveNotImplementedException("A sweep cannot be declared failed. Its cancel() ends it.")

    def get_diagnostics(self) -> Any:
        """Raise HyperDriveNotImplementedException, as in Azure; the log of the sweep contains diagnostics."""
        raise HyperDriveNotImplementedException(
            f"A sweep has no diagnostics. Its log says what has happened: download_file({self.LOG_NAME!r})."
        )

    def _get_sweep(self, run_limit: "int | None" = None) -> Dict[str, Any]:
        """Return the sweep's state, with at most `run_limit` runs, best first; raise if the run is not a sweep."""
        sweep: Dict[str, Any] | None = self._request("runs.sweep", limit=run_limit)
        if sweep is None:
            raise HyperDriveRehydrateException(
                f"Run {self.id!r} is not a sweep, or its tags do not hold a sweep's configuration any more."
            )
        return sweep
