"""The definition of a sweep, in the shape in which Azure's SDK sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.policies import Policy, policy_from_json
from mlrun_cli.sweeps.sampling import Sampling, sampling_from_json

_Part = TypeVar("_Part")

_GOALS = {goal.value: goal for goal in Goal}


class PrimaryMetric(NamedTuple):
    """The metric by which the runs of a sweep are compared, and the goal to minimize or maximize it."""

    name: str
    goal: Goal

    def to_json(self) -> dict[str, Any]:
        """Return the metric as a JSON-compatible dict in the format of Azure's `primary_metric_config`."""
        return {"name": self.name, "goal": self.goal.value}


class SweepDefinition(NamedTuple):
    """The definition of a sweep: its sampling, its number of runs, and the metric by which they are compared.

    Attributes:
        sampling: what is sampled, and how.
        policy: which runs end early.
        metric: the primary metric.
        max_total: the maximum number of runs; there are fewer if the parameter space is smaller.
        max_concurrent: the maximum number of live runs.
        max_duration_minutes: the time after which live runs are canceled and the sweep ends, or None.
        resume_from: ids of ended sweeps whose runs count as earlier ones.
        resume_child_runs: ids of ended runs that are started again as runs of this sweep.
    """

    sampling: Sampling
    policy: Policy
    metric: PrimaryMetric
    max_total: int
    max_concurrent: int
    max_duration_minutes: int | None = None
    resume_from: tuple[str, ...] = ()
    resume_child_runs: tuple[str, ...] = ()

    @property
    def total_runs(self) -> int:
        """The number of runs in the sweep, limited by the size of the parameter space."""
        size = self.sampling.space_size
        return self.max_total if size is None else min(size, self.max_total)

    def with_seed(self) -> SweepDefinition:
        """Return the definition, with a random seed added if it has none."""
        return self._replace(sampling=self.sampling.with_seed())

    def to_json(self) -> dict[str, Any]:
        """Return the definition as a JSON-compatible dict, from which `definition_from_json` restores it."""
        return {
            "generator_config": self.sampling.to_json(),
            "policy_config": self.policy.to_json(),
            "primary_metric_config": self.metric.to_json(),
            "max_total_jobs": self.max_total,
            "max_concurrent_jobs": self.max_concurrent,
            "max_duration_minutes": self.max_duration_minutes,
            "resume_from": list(self.resume_from) or None,
            "resume_child_runs": list(self.resume_child_runs) or None,
        }


def build_definition(
    sampling: Sampling, policy: Policy, metric: PrimaryMetric, max_total: Any, max_concurrent: Any = None
) -> SweepDefinition:
    """Return a validated sweep definition; if `max_concurrent` is None or 0, all runs may be live at the same time.

    Raises:
        InvalidValue: a number is not a whole one above 0; `target` is its key.
    """
    check_positive("max_total_jobs", max_total)
    if not max_concurrent:
        max_concurrent = max_total
    check_positive("max_concurrent_jobs", max_concurrent)
    return SweepDefinition(sampling, policy, metric, max_total, max_concurrent)


def definition_from_json(document: Mapping[str, Any]) -> SweepDefinition:
    """Create a definition from the JSON document that Azure's SDK sends; unknown keys are ignored.

    Raises:
        InvalidValue: a part is missing or wrong; the message begins with its key.
    """
    sampling = _read_part(document, "generator_config", sampling_from_json)
    metric = _read_part(document, "primary_metric_config", metric_from_json)
    has_policy = document.get("policy_config") is not None
    policy = _read_part(document, "policy_config", policy_from_json) if has_policy else Policy()
    duration = document.get("max_duration_minutes")
    if duration is not None:
        check_positive("max_duration_minutes", duration)
    total, concurrent = document.get("max_total_jobs"), document.get("max_concurrent_jobs")
    definition = build_definition(sampling, policy, metric, total, concurrent)
    return definition._replace(
        max_duration_minutes=duration,
        resume_from=_read_ids(document, "resume_from"),
        resume_child_runs=_read_ids(document, "resume_child_runs"),
    )


def metric_from_json(document: Mapping[str, Any]) -> PrimaryMetric:
    """Create a primary metric from Azure's `primary_metric_config`.

    Raises:
        InvalidValue: it has no name, or no goal.
    """
    name = document.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InvalidValue(f"{name!r} is not the name of a metric.", target="name")
    return PrimaryMetric(name, parse_goal(str(document.get("goal"))))


def parse_goal(text: str) -> Goal:
    """Parse the goal of a primary metric, `minimize` or `maximize` in upper or lower case.

    Raises:
        InvalidValue: it is neither `maximize` nor `minimize`.
    """
    goal = _GOALS.get(text.lower())
    if goal is None:
        raise InvalidValue(f"'{text}' is not a goal.", hint="Use maximize or minimize.", target="goal")
    return goal


def check_positive(key: str, value: object) -> None:
    """Raise if a value is not a positive integer.

    Raises:
        InvalidValue: it is not; `target` is the key.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidValue(f"{key} needs a whole number above 0, and has {value!r}.", target=key)


def _read_part(document: Mapping[str, Any], key: str, read: Callable[[Mapping[str, Any]], _Part]) -> _Part:
    """Call `read` with the mapping under a required key and return its result; add the key to its errors."""
    part = document.get(key)
    if not isinstance(part, Mapping):
        raise InvalidValue(f"{key} is missing.", hint="It has to be a JSON object.", target=key)
    try:
        return read(part)
    except InvalidValue as error:
        error.add_context(key)
        raise


def _read_ids(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    ids = document.get(key) or []
    if not isinstance(ids, (list, tuple)) or not all(isinstance(one, str) and one for one in ids):
        raise InvalidValue(f"{key} needs a list of run ids.", target=key)
    return tuple(ids)
