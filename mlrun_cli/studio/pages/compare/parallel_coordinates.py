"""Parallel coordinates of runs, with axes for parameters on the left and for metrics on the right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from mlrun_cli.runs.parameters import parse_number
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.parallel_coordinates import METRIC_AXIS, ParallelCoordinates, build_line
from mlrun_cli.workspace import Workspace

_MAX_CANDIDATES = 60
_MIN_AXES = 2
_MAX_PARAMETERS = 6
_MAXMETRIC_AXISS = 2
_MAX_NAMES = 200
_MAX_CATEGORIES = 50

_Value = float | str | None


def build_parallel_coordinates(
    workspace: Workspace, runs: Sequence[Run], requested_axes: Sequence[str]
) -> ParallelCoordinates:
    """Build a plot of the requested axes or, by default, of parameters and metrics that differ between runs."""
    parameters = _read_parameters(workspace, runs)
    columns = {**parameters, **_read_tags(runs, parameters), **_read_metrics(workspace, runs)}
    candidates = [name for name, values in columns.items() if len({value for value in values if value is not None}) > 1]
    candidates = candidates[:_MAX_CANDIDATES]
    axes = [name for name in requested_axes if name in candidates]
    if len(axes) < _MIN_AXES:
        axes = [
            *[name for name in candidates if not name.startswith(METRIC_AXIS)][:_MAX_PARAMETERS],
            *[name for name in candidates if name.startswith(METRIC_AXIS)][:_MAXMETRIC_AXISS],
        ]
    lines = [build_line(run, [columns[axis][place] for axis in axes]) for place, run in enumerate(runs)]
    return ParallelCoordinates(axes, candidates, lines)


def _read_parameters(workspace: Workspace, runs: Sequence[Run]) -> dict[str, list[_Value]]:
    """Return the runs' values of each parameter, keyed by name, as numbers if all are numbers, or as few categories.

    Names that most of the runs have come first.
    """
    found = workspace.parameters.get_for_runs([run.key for run in runs])
    names = Counter(name for each in found.values() for name in each)
    columns: dict[str, list[_Value]] = {}
    for name, _ in names.most_common():
        given = [found.get(run.key, {}).get(name) for run in runs]
        if all(each is None or each.number is not None for each in given):
            columns[name] = [None if each is None else each.number for each in given]
        elif len(set(given)) <= _MAX_CATEGORIES:
            columns[name] = [None if each is None else each.text for each in given]
    return columns


def _read_tags(runs: Sequence[Run], excluded_names: Collection[str]) -> dict[str, list[_Value]]:
    """Return the numeric tags of runs, keyed by name, except those with the same name as a parameter."""
    keys = dict.fromkeys(key for run in runs for key in run.tags if key not in excluded_names)
    columns: dict[str, list[_Value]] = {key: [parse_number(run.tags.get(key) or "") for run in runs] for key in keys}
    return {key: values for key, values in columns.items() if any(value is not None for value in values)}


def _read_metrics(workspace: Workspace, runs: Sequence[Run]) -> dict[str, list[_Value]]:
    keys = [run.key for run in runs]
    names = [name for name, _ in workspace.metric_summaries.list_most_common_names(keys, _MAX_NAMES)]
    summaries = workspace.metric_summaries.get_for_runs(keys, names)
    found = {name: [summaries.get((key, name)) for key in keys] for name in names}
    return {
        f"{METRIC_AXIS}{name}": [
            None if summary is None else _replace_non_finite_with_none(summary.last) for summary in each
        ]
        for name, each in found.items()
    }


def _replace_non_finite_with_none(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
