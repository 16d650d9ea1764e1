"""Parallel coordinates of runs, with axes for parameters on the left and for metrics on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.pages.compare.parameters import read_run_parameters
from mlrun_cli.workspace import Workspace

_MAX_CANDIDATES = 60
_MIN_AXES = 2
_MAX_PARAMETERS = 6
_MAX_METRICS = 2
_MAX_NAMES = 200
_METRIC = "metric:"


class ParallelCoordinates(NamedTuple):
    """The axes and lines of a parallel coordinates plot.

    Attributes:
        axes: the names of drawn axes; those of metrics start with `metric:`.
        candidates: the names of all axes on which runs differ.
        lines: for each run, its key, id and name, and its value or None on each axis.
    """

    axes: Sequence[str]
    candidates: Sequence[str]
    lines: Sequence[Mapping[str, Any]]


def build_parallel_coordinates(
    workspace: Workspace, runs: Sequence[Run], requested: Sequence[str]
) -> ParallelCoordinates:
    """Build a plot of the requested axes or, by default, of the first parameters and metrics in which runs differ."""
    columns = {**_read_parameters(runs), **_read_metrics(workspace, runs)}
    candidates = [name for name, values in columns.items() if len({value for value in values if value is not None}) > 1]
    candidates = candidates[:_MAX_CANDIDATES]
    axes = [name for name in requested if name in candidates]
    if len(axes) < _MIN_AXES:
        axes = [
            *[name for name in candidates if not name.startswith(_METRIC)][:_MAX_PARAMETERS],
            *[name for name in candidates if name.startswith(_METRIC)][:_MAX_METRICS],
        ]
    lines = [
        {
            "key": run.key,
            "id": run.run_id,
            "name": run.display_name or run.run_id,
            "values": [columns[axis][place] for axis in axes],
        }
        for place, run in enumerate(runs)
    ]
    return ParallelCoordinates(axes, candidates, lines)


def _read_parameters(runs: Sequence[Run]) -> dict[str, list[float | None]]:
    """Return the numeric parameters and tags of runs, keyed by name; sweeps of the SDK store parameters as tags."""
    found = [{**{key: value or "" for key, value in run.tags.items()}, **read_run_parameters(run)} for run in runs]
    names = dict.fromkeys(name for each in found for name in each)
    columns = {name: [_parse_number(each.get(name)) for each in found] for name in names}
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _read_metrics(workspace: Workspace, runs: Sequence[Run]) -> dict[str, list[float | None]]:
    keys = [run.key for run in runs]
    names = [name for name, _ in workspace.metric_summaries.list_most_common(keys, _MAX_NAMES)]
    summaries = workspace.metric_summaries.list_for_runs(keys, names)
    found = {name: [summaries.get((key, name)) for key in keys] for name in names}
    return {
        f"{_METRIC}{name}": [None if summary is None else _drop_non_finite(summary.last) for summary in each]
        for name, each in found.items()
    }


def _parse_number(text: str | None) -> float | None:
    try:
        return None if text is None else _drop_non_finite(float(text))
    except ValueError:
        return None


def _drop_non_finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
