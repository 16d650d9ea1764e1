"""The data of parallel coordinates plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run

METRIC_AXIS = "metric:"
"""The beginning of the name of an axis for a metric."""


class ParallelCoordinates(NamedTuple):
    """The axes and lines of a parallel coordinates plot.

    Attributes:
        axes: the names of drawn axes; those of metrics start with `metric:`.
        candidates: the names of all axes on which runs differ.
        lines: for each run, its key, id and name, and on each axis its number, its text if the axis is one of
            categories, or None.
    """

    axes: Sequence[str]
    candidates: Sequence[str]
    lines: Sequence[Mapping[str, Any]]


def build_line(run: Run, values: Sequence[float | str | None]) -> Mapping[str, Any]:
    """Build the line of a run through the given values, one on each axis."""
    return {"key": run.key, "id": run.run_id, "name": run.display_name or run.run_id, "values": values}
