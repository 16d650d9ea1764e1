"""The configuration of sweeps."""

from enum import Enum
from typing import Any

from azureml.exceptions import UserErrorException
from azureml.train.hyperdrive.exceptions import HyperDriveConfigException
from azureml.train.hyperdrive.policy import EarlyTerminationPolicy, NoTerminationPolicy
from azureml.train.hyperdrive.sampling import BayesianParameterSampling, HyperParameterSampling

__all__ = ["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]

_MOST_RUNS = 1000
_MOST_RUNS_AT_ONCE = 100


class PrimaryMetricGoal(Enum):
    """The goal for the primary metric, to maximize or minimize it."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"


class HyperDriveConfig:
    """The configuration of a sweep: a script, a parameter space, the number of runs, and the primary metric.

    Exactly one of `run_config` (a ScriptRunConfig), `estimator` and `pipeline` is required; the parameter values of
    each run are added to its arguments. `max_concurrent_runs` defaults to `max_total_runs`.

    Raises:
        HyperDriveConfigException: An argument is invalid.
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: "int | None" = None,
        max_duration_minutes: int = 10080,
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
        _check_number("max_total_runs", max_total_runs, _MOST_RUNS)
        _check_policy(policy, hyperparameter_sampling)
        if max_concurrent_runs is not None:
            _check_number("max_concurrent_runs", max_concurrent_runs, _MOST_RUNS_AT_ONCE)
        if max_duration_minutes is not None:
            _check_number("max_duration_minutes", max_duration_minutes, None)
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
        self._resume_from = resume_from
        self._resume_child_runs = resume_child_runs

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

    def _create_submit_error(self) -> UserErrorException:
        """Return the error to raise on submission."""
        first = next(iter(self._generator_config["parameter_space"]), "--lr")
        return UserErrorException(
            "Experiment.submit(HyperDriveConfig): mlrun-cli does not run sweeps yet. Submit one run per combination "
            f"from a loop: for value in values: experiment.submit(ScriptRunConfig(…, arguments=[{first!r}, value])); "
            f"then compare run.get_metrics({self._primary_metric_config['name']!r})."
        )


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


def _check_policy(policy: Any, sampling: HyperParameterSampling) -> None:
    if policy is None:
        return
    _check_type("policy", policy, EarlyTerminationPolicy)
    if isinstance(sampling, BayesianParameterSampling) and not isinstance(policy, NoTerminationPolicy):
        raise HyperDriveConfigException(
            "BayesianParameterSampling learns from runs that have ended, and cannot be used with a policy that ends "
            "them early: leave policy out."
        )


def _check_type(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind) or value == "":
        raise HyperDriveConfigException(f"HyperDriveConfig takes a {kind.__name__} as {name}, not {value!r}.")


def _check_number(name: str, value: Any, most: "int | None") -> None:
    if isinstance(value, int) and value >= 1 and (most is None or value <= most):
        return
    bounds = "above 0" if most is None else f"from 1 to {most}"
    raise HyperDriveConfigException(f"HyperDriveConfig takes a whole number {bounds} as {name}, not {value!r}.")
