"""The configuration of sweeps."""

from enum import Enum
from typing import Any, Dict, List

from azureml._client.notices import warn_once
from azureml.exceptions import UserErrorException
from azureml.train.hyperdrive.exceptions import (
    HyperDriveConfigException,
    HyperDriveScenarioNotSupportedException,
)
from azureml.train.hyperdrive.policy import EarlyTerminationPolicy, NoTerminationPolicy
from azureml.train.hyperdrive.run import TERMINAL_STATES, HyperDriveRun
from azureml.train.hyperdrive.sampling import BayesianParameterSampling, HyperParameterSampling

__all__ = ["MAX_DURATION_MINUTES", "MAX_PARENT_RUNS", "HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]

MAX_DURATION_MINUTES = 10080
MAX_PARENT_RUNS = 5
_FEW_RUNS_PER_PARAMETER = 20
_MANY_RUNS_AT_ONCE = 20


class PrimaryMetricGoal(Enum):
    """The goal for the primary metric, to maximize or minimize it."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"

    @staticmethod
    def from_str(goal: str) -> "PrimaryMetricGoal":
        """Return the goal with this name, in any letter case."""
        try:
            return PrimaryMetricGoal[goal.upper()]
        except KeyError:
            raise HyperDriveConfigException(f"{goal!r} is not a goal. Use maximize or minimize.") from None


class HyperDriveConfig:
    """The configuration of a sweep: a script, a parameter space, the number of runs, and the primary metric.

    Exactly one of `run_config` (a ScriptRunConfig), `estimator` and `pipeline` is required; the parameter values of
    each run are added to its arguments. A sweep over a pipeline cannot be submitted.

    Args:
        hyperparameter_sampling: What is drawn, and how.
        primary_metric_name: The name under which the script logs the metric by which runs are compared.
        primary_metric_goal: Whether more or less of it is better.
        max_total_runs: The maximum number of runs; there are fewer if the parameter space is smaller.
        max_concurrent_runs: The maximum number of live runs, by default `max_total_runs`.
        max_duration_minutes: The time after which live runs are canceled and the sweep ends.
        policy: Which runs end early; by default none.
        estimator: An estimator.
        run_config: A ScriptRunConfig.
        resume_from: A HyperDriveRun, or up to five, whose runs count as earlier ones.
        resume_child_runs: An ended run, or several, to start again as runs of this sweep.
        pipeline: A pipeline.
        debug_flag: Accepted for compatibility with Azure.
        custom_run_id: The id of the sweep's run.

    Raises:
        HyperDriveConfigException: An argument is invalid.
        HyperDriveScenarioNotSupportedException: A run to resume from has not ended.
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: "int | None" = None,
        max_duration_minutes: "int | None" = MAX_DURATION_MINUTES,
        policy: "EarlyTerminationPolicy | None" = None,
        estimator: Any = None,
        run_config: Any = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        debug_flag: Any = None,
        custom_run_id: "str | None" = None,
    ) -> None:
        _check_type("hyperparameter_sampling", hyperparameter_sampling, HyperParameterSampling)
        _check_type("primary_metric_name", primary_metric_name, str)
        _check_type("primary_metric_goal", primary_metric_goal, PrimaryMetricGoal)
        _check_run_source(run_config, estimator, pipeline)
        _check_number("max_total_runs", max_total_runs)
        if policy is not None:
            _check_type("policy", policy, EarlyTerminationPolicy)
        if max_concurrent_runs is not None:
            _check_number("max_concurrent_runs", max_concurrent_runs)
        if max_duration_minutes is not None:
            _check_number("max_duration_minutes", max_duration_minutes)
        self._estimator = estimator
        self._run_config = run_config
        self._pipeline = pipeline
        self._debug_flag = debug_flag
        self._custom_run_id = custom_run_id
        self._policy_config = (policy or NoTerminationPolicy()).to_json()
        self._generator_config = hyperparameter_sampling.to_json()
        self._primary_metric_config = {"name": primary_metric_name, "goal": primary_metric_goal.name.lower()}
        self._max_total_runs = max_total_runs
        self._max_concurrent_runs = max_total_runs if max_concurrent_runs is None else max_concurrent_runs
        self._max_duration_minutes = max_duration_minutes
        self._resume_from = [run.id for run in _check_resumed_sweeps(resume_from)]
        self._resume_child_runs = [run.id for run in _check_ended_runs("resume_child_runs", resume_child_runs)]
        if isinstance(hyperparameter_sampling, BayesianParameterSampling):
            self._warn_of_unsuitable_run_counts()

    @classmethod
    def _from_definition(cls, definition: "Dict[str, Any]") -> "HyperDriveConfig":
        """Create a configuration, without the script, from a sweep's definition in Azure's format."""
        from azureml.core.script_run_config import ScriptRunConfig

        metric = definition["primary_metric_config"]
        config = cls(
            HyperParameterSampling({}),
            metric["name"],
            PrimaryMetricGoal.from_str(metric["goal"]),
            max_total_runs=definition["max_total_jobs"],
            max_concurrent_runs=definition["max_concurrent_jobs"],
            max_duration_minutes=definition["max_duration_minutes"],
            run_config=ScriptRunConfig("."),
        )
        config._generator_config = definition["generator_config"]
        config._policy_config = definition["policy_config"]
        config._resume_from = definition["resume_from"] or []
        config._resume_child_runs = definition["resume_child_runs"] or []
        return config

    @property
    def run_config(self) -> Any:
        """The ScriptRunConfig of the sweep, or None."""
        return self._run_config

    @property
    def estimator(self) -> Any:
        """The estimator of the sweep, or None."""
        return self._estimator

    @property
    def pipeline(self) -> Any:
        """The pipeline of the sweep, or None."""
        return self._pipeline

    @property
    def source_directory(self) -> "str | None":
        """The source folder of the script, or None for a pipeline."""
        return getattr(self._run_config or self._estimator, "source_directory", None)

    def _warn_of_unsuitable_run_counts(self) -> None:
        """Warn, like Azure, if Bayesian sampling has too few runs in total or too many at once to learn from."""
        least = _FEW_RUNS_PER_PARAMETER * len(self._generator_config["parameter_space"])
        if self._max_total_runs < least:
            warn_once("few runs", f"Bayesian sampling works best with max_total_runs of {least} or more here.")
        if self._max_concurrent_runs > _MANY_RUNS_AT_ONCE:
            warn_once(
                "many runs at once",
                f"Bayesian sampling works best with max_concurrent_runs of {_MANY_RUNS_AT_ONCE} or less: it learns "
                "from runs that have ended.",
            )

    def _to_script_run_config(self) -> Any:
        """Return the ScriptRunConfig with which each run of the sweep is started.

        Raises:
            UserErrorException: The sweep is over a pipeline.
        """
        if self._pipeline is not None:
            raise UserErrorException(
                "HyperDriveConfig(pipeline=…) cannot be submitted: a sweep is over the arguments of one script. Sweep "
                "over the script of the step, or submit the pipeline once per value of its parameters."
            )
        return self._run_config or self._estimator._to_script_run_config()

    def _to_sweep_arguments(self) -> "Dict[str, Any]":
        """Return the arguments for submitting the sweep, in addition to those for its script."""
        return {"definition": self._to_definition(), "run_id": self._custom_run_id}

    def _to_definition(self) -> "Dict[str, Any]":
        """Return the definition of the sweep in Azure's format."""
        definition: Dict[str, Any] = _convert_numpy(
            {
                "generator_config": self._generator_config,
                "policy_config": self._policy_config,
                "primary_metric_config": self._primary_metric_config,
                "max_total_jobs": self._max_total_runs,
                "max_concurrent_jobs": self._max_concurrent_runs,
                "max_duration_minutes": self._max_duration_minutes,
                "resume_from": self._resume_from or None,
                "resume_child_runs": self._resume_child_runs or None,
            }
        )
        return definition


class HyperDriveRunConfig(HyperDriveConfig):
    """An older form of `HyperDriveConfig` that accepts only estimators."""

    def __init__(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **dict(kwargs, estimator=estimator))


def _check_run_source(run_config: Any, estimator: Any, pipeline: Any) -> None:
    given = [one for one in (run_config, estimator, pipeline) if one is not None]
    if len(given) != 1:
        raise HyperDriveConfigException(
            f"HyperDriveConfig takes one of run_config, estimator and pipeline, and was given {len(given)}."
        )
    if run_config is None:
        return
    from azureml.core.script_run_config import ScriptRunConfig

    _check_type("run_config", run_config, ScriptRunConfig)


def _check_resumed_sweeps(resume_from: Any) -> "List[Any]":
    """Return the sweeps to resume from as a list; raise if one of them cannot be resumed from."""
    runs = _check_ended_runs("resume_from", resume_from)
    for run in runs:
        _check_type("resume_from", run, HyperDriveRun)
        if run.get_status() == "Failed":
            raise HyperDriveScenarioNotSupportedException(
                f"resume_from takes sweeps that are Completed or Canceled, and {run.id} has failed."
            )
    if len(runs) > MAX_PARENT_RUNS:
        raise HyperDriveScenarioNotSupportedException(
            f"resume_from takes at most {MAX_PARENT_RUNS} sweeps, and was given {len(runs)}."
        )
    return runs


def _check_ended_runs(name: str, value: Any) -> "List[Any]":
    """Return a run, a list of runs or None as a list; raise if a run has not ended or is given twice."""
    if value is None:
        return []
    from azureml.core.run import Run

    runs = list(value) if isinstance(value, (list, tuple)) else [value]
    for run in runs:
        _check_type(name, run, Run)
        status = run.get_status()
        if status not in TERMINAL_STATES:
            raise HyperDriveScenarioNotSupportedException(
                f"{name} takes runs that have ended, and {run.id} is {status}: wait for it, or cancel it."
            )
    if len({run.id for run in runs}) < len(runs):
        raise HyperDriveConfigException(f"{name} has a run twice.")
    return runs


def _check_type(name: str, value: Any, expected_type: type) -> None:
    if not isinstance(value, expected_type) or value == "":
        raise HyperDriveConfigException(f"HyperDriveConfig takes a {expected_type.__name__} as {name}, not {value!r}.")


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise HyperDriveConfigException(f"HyperDriveConfig takes a whole number above 0 as {name}, not {value!r}.")


def _convert_numpy(value: Any) -> Any:
    """Return a value with NumPy numbers and arrays converted to plain numbers and lists."""
    if isinstance(value, dict):
        return {str(key): _convert_numpy(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_convert_numpy(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value
