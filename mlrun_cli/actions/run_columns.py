"""Columns with the metrics and parameters of runs, for lists of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.order import METRIC
from mlrun_cli.runs.parameters import Parameters, list_differing_parameter_names
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.where.column_choice import BEST, DIFFERING, ColumnChoice
from mlrun_cli.runs.where.value_name import ValueName
from mlrun_cli.workspace import Workspace

_BEST_METRICS = 3


class RunColumns(NamedTuple):
    """Columns of metrics or parameters, with their values.

    Attributes:
        names: the names of the columns, in order: `lr`, `rmse`, `max(accuracy)`.
        values: the values by name, keyed by run; each is a number, which may be NaN, or a text. Those that a run does
            not have are omitted.
    """

    names: Sequence[str]
    values: Mapping[int, Mapping[str, float | int | str]]

    def get_record(self, run: Run) -> dict[str, Any]:
        """Return a run's values as a JSON-compatible dict, keyed by column."""
        return dict(self.values.get(run.key, {}))


def read_metric_columns(workspace: Workspace, runs: Sequence[Run], choice: ColumnChoice) -> RunColumns:
    """Return the chosen metrics of runs: the last, lowest or highest value of each."""
    keys = [run.key for run in runs]
    summaries = workspace.metric_summaries
    if choice.word == BEST:
        names = [ValueName(METRIC, name) for name, _ in summaries.list_most_common_names(keys, _BEST_METRICS)]
    elif choice.word:
        names = [ValueName(METRIC, name) for name in summaries.list_names(keys)]
    else:
        names = list(choice.names)
    found = summaries.get_for_runs(keys, list(dict.fromkeys(name.name for name in names))) if names else {}
    values: dict[int, dict[str, float | int | str]] = {}
    for key in keys:
        for name in names:
            summary = found.get((key, name.name))
            value = None if summary is None else summary.get_statistic(name.which)
            if value is not None:
                values.setdefault(key, {})[name.title] = value
    return RunColumns([name.title for name in names], values)


def read_parameter_columns(workspace: Workspace, runs: Sequence[Run], choice: ColumnChoice) -> RunColumns:
    """Return the chosen parameters of runs."""
    found = workspace.parameters.get_for_runs([run.key for run in runs])
    given: list[Parameters] = [found.get(run.key, {}) for run in runs]
    if choice.word == DIFFERING:
        names = list_differing_parameter_names(given)
    elif choice.word:
        names = _list_names_by_run_count(given)
    else:
        names = [name.name for name in choice.names]
    values = {
        run.key: {name: parameters[name].value for name in names if name in parameters}
        for run, parameters in zip(runs, given, strict=True)
    }
    return RunColumns(names, values)


def _list_names_by_run_count(parameters_of_runs: Sequence[Parameters]) -> Sequence[str]:
    """Return the names of all parameters, sorted by the number of runs that have them, highest first."""
    counts: dict[str, int] = {}
    for parameters in parameters_of_runs:
        for name in parameters:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: -counts[name])
