"""The primary metric of a sweep: newly logged values, terminations by the policy, and the best run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlrun_cli.metrics.goal import Goal
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.policies import DEFAULT, PolicyEvaluator, Termination
from mlrun_cli.sweeps.run_tags import find_run_number, get_sampled_values
from mlrun_cli.sweeps.sampling import Trial
from mlrun_cli.workspace import Workspace

_AT_ONCE = 100_000
_MAX_NAMES = 5


class SweepMetric:
    """The values of the primary metric of the runs of a sweep.

    The first look reads all values that were logged before, in the order of their times, and decides the same as an
    earlier controller that has seen them arrive.
    """

    def __init__(self, workspace: Workspace, definition: SweepDefinition, keys: Sequence[int]) -> None:
        self._workspace = workspace
        self._name = definition.metric.name
        self._goal = definition.metric.goal
        self._policy = definition.policy
        self._earlier = self._list_earlier_runs(definition)
        self._counts: dict[int, int] = dict.fromkeys(keys, 0)
        self._terminated: set[str] = set()
        self._evaluator = self._create_evaluator()

    def evaluate_new_values(self, run_ids_by_key: Mapping[int, str]) -> Sequence[Termination]:
        """Apply the policy to newly logged values of these runs; return its new decisions to terminate runs."""
        if self._policy.name == DEFAULT:
            return []
        summaries = self._read_summaries(list(run_ids_by_key))
        if any(summary.value_count < self._counts.get(key, 0) for key, summary in summaries.items()):
            self._reset_evaluator()  # an attempt that was started again has replaced values
        arrived = []
        for key, summary in summaries.items():
            known = self._counts.get(key, 0)
            if summary.value_count > known:
                items = self._workspace.metrics.list_items(key, self._name, offset=known, limit=_AT_ONCE)
                self._counts[key] = known + len(items)
                arrived += [(item.logged_at, key, item.position, to_float(item.value)) for item in items]
        decisions = []
        for _, key, position, value in sorted(arrived):
            run_id = run_ids_by_key[key]
            self._evaluator.add_values(run_id, [value])
            decision = None if run_id in self._terminated else self._evaluator.find_termination_at(run_id, position + 1)
            if decision is not None:
                self._terminated.add(run_id)
                decisions.append(decision)
        return decisions

    def get_best_values(self, run_keys: Sequence[int]) -> Mapping[int, float]:
        """Return the best value of each run, keyed by run key; runs that have not logged the metric are omitted."""
        bests = {key: self._get_best_value(summary) for key, summary in self._read_summaries(run_keys).items()}
        return {key: best for key, best in bests.items() if best is not None}

    def find_best_run(self, run_keys: Sequence[int]) -> tuple[int, float] | None:
        """Return the key and value of the best run, the first one in a tie, or None if no run has logged the metric."""
        bests = self.get_best_values(run_keys)
        if not bests:
            return None
        best = self._goal.get_best(bests.values())
        return next((key, best) for key in run_keys if bests.get(key) == best)

    def list_earlier_trials(self) -> Sequence[Trial]:
        """Return the trials of the sweeps from which this one resumes."""
        bests = self.get_best_values(list(self._earlier))
        return [Trial(values, bests.get(key)) for key, (_, values) in self._earlier.items() if values]

    def build_missing_metric_warning(self, run_keys: Sequence[int]) -> str:
        """Return a warning that none of the sweep's runs has logged the metric, with the names of what they have."""
        what = "The only run has not" if len(run_keys) == 1 else f"None of the {len(run_keys)} runs has"
        names = [name for name, _ in self._workspace.metric_summaries.list_most_common_names(run_keys, _MAX_NAMES)]
        instead = f" What was logged: {', '.join(map(repr, names))}." if names else ""
        return (
            f"{what} logged a number as '{self._name}': no run is the best, and no policy could"
            f" be applied. The script has to log it under exactly this name: run.log(…).{instead}"
        )

    def _read_summaries(self, run_keys: Sequence[int]) -> Mapping[int, MetricSummary]:
        """Return the summaries of the metric, keyed by run key; runs that have not logged the metric are omitted."""
        summaries = self._workspace.metric_summaries.get_for_runs(run_keys, [self._name])
        return {key: summary for (key, _), summary in summaries.items()}

    def _get_best_value(self, summary: MetricSummary) -> float | None:
        return summary.minimum if self._goal is Goal.MINIMIZE else summary.maximum

    def _list_earlier_runs(self, definition: SweepDefinition) -> Mapping[int, tuple[str, Mapping[str, object]]]:
        """Return the ids and parameter values of the runs of earlier sweeps, keyed by run key."""
        found: dict[int, tuple[str, Mapping[str, object]]] = {}
        for run_id in definition.resume_from:
            key = self._workspace.runs.find_key(run_id)
            if key is not None:
                sampled = get_sampled_values(run_id, self._workspace.runs.get_tags(key))
                for child in self._workspace.child_runs.list_children(key):
                    values = sampled.get(
                        -1 if (number := find_run_number(run_id, child.run_id)) is None else number, {}
                    )
                    found[child.key] = (child.run_id, values)
        return found

    def _create_evaluator(self) -> PolicyEvaluator:
        histories = {
            run_id: [
                to_float(item.value) for item in self._workspace.metrics.list_items(key, self._name, limit=_AT_ONCE)
            ]
            for key, (run_id, _) in self._earlier.items()
        }
        return PolicyEvaluator(self._policy, self._goal, histories)

    def _reset_evaluator(self) -> None:
        self._counts = dict.fromkeys(self._counts, 0)
        self._evaluator = self._create_evaluator()


def to_float(value: object) -> float:
    """Return a logged value as a float, or NaN if it is not a number, or an integer that is too large for one."""
    try:
        return float(value) if isinstance(value, (int, float)) else math.nan
    except OverflowError:
        return math.nan
