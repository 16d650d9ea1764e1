"""Runs of a sweep as lines between parallel axes: what they were given to the left, what came of it to the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlrun_cli.runs.run import Run
from mlrun_cli.studio.pages.compare.parameters import parameters_of
from mlrun_cli.workspace import Workspace

_MOST_CANDIDATES = 60
_FEWEST_AXES = 2
_MOST_PARAMETERS = 6
_MOST_METRICS = 2
_MOST_NAMES = 200
_METRIC = "metric:"


class Sweep(NamedTuple):
    """The axes that are drawn, all that could be, and the value of each run on each of those drawn.

    Attributes:
        axes: names, those of metrics behind `metric:`.
        candidates: numbers that differ between the runs.
        lines: a run's key, id and name, and its values in the order of the axes; None where it has none.
    """

    axes: Sequence[str]
    candidates: Sequence[str]
    lines: Sequence[Mapping[str, Any]]


def sweep_of(workspace: Workspace, runs: Sequence[Run], wanted: Sequence[str]) -> Sweep:
    """The axes that are wanted; the parameters and first metrics in which the runs differ unless these are two."""
    columns = {**_parameters(runs), **_metrics(workspace, runs)}
    candidates = [name for name, values in columns.items() if len({value for value in values if value is not None}) > 1]
    candidates = candidates[:_MOST_CANDIDATES]
    axes = [name for name in wanted if name in candidates]
    if len(axes) < _FEWEST_AXES:
        axes = [
            *[name for name in candidates if not name.startswith(_METRIC)][:_MOST_PARAMETERS],
            *[name for name in candidates if name.startswith(_METRIC)][:_MOST_METRICS],
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
    return Sweep(axes, candidates, lines)


def _parameters(runs: Sequence[Run]) -> dict[str, list[float | None]]:
    """Parameters, and tags that hold a number: sweeps of the SDK keep theirs there."""
    found = [{**{key: value or "" for key, value in run.tags.items()}, **parameters_of(run)} for run in runs]
    names = dict.fromkeys(name for each in found for name in each)
    columns = {name: [_as_number(each.get(name)) for each in found] for name in names}
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _metrics(workspace: Workspace, runs: Sequence[Run]) -> dict[str, list[float | None]]:
    keys = [run.key for run in runs]
    names = [name for name, _ in workspace.metric_summaries.most_common(keys, _MOST_NAMES)]
    summaries = workspace.metric_summaries.of_runs(keys, names)
    found = {name: [summaries.get((key, name)) for key in keys] for name in names}
    return {
        f"{_METRIC}{name}": [None if summary is None else _finite(summary.last) for summary in each]
        for name, each in found.items()
    }


def _as_number(text: str | None) -> float | None:
    try:
        return None if text is None else _finite(float(text))
    except ValueError:
        return None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
