"""Metrics in MLflow's own files: `mlruns/EXPERIMENT/RUN/metrics/NAME`, a line `time value step` for each value."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlrun_cli.core.inner_files import open_file_without_links
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.metrics.metric import MetricPoint

MLRUNS = "mlruns"
_METRICS = "metrics"
_MILLISECONDS = 1000
_RUN_DEPTH = 2
"""The number of folders above that of a run's metrics: the experiment's, and the run's own."""


def read_mlruns(folder: Path) -> Mapping[str, Mapping[str, list[MetricPoint]]]:
    """Return the points in MLflow's metric files below a folder, in logging order, keyed by run id and metric name.

    Links are not followed, and lines that MLflow does not write are left out.
    """
    found: dict[str, dict[str, list[MetricPoint]]] = {}
    for run_id, name, path in _iterate_metric_files(folder):
        descriptor = open_file_without_links(folder, path)
        if descriptor is None:
            continue
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
            points = [point for point in map(_parse_line, file) if point is not None]
        if points:
            found.setdefault(run_id, {})[name] = points
    return found


def _iterate_metric_files(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the run id, metric name and path of each metric file, sorted by path; a name may contain slashes."""
    paths = sorted(
        os.path.relpath(os.path.join(top, name), folder) for top, _, names in os.walk(folder) for name in names
    )
    for path in paths:
        parts = path.split(os.sep)
        if len(parts) > _RUN_DEPTH + 1 and parts[_RUN_DEPTH] == _METRICS:
            yield parts[1], "/".join(parts[_RUN_DEPTH + 1 :]), "/".join(parts)


def _parse_line(line: str) -> MetricPoint | None:
    words = line.split()
    try:
        step = int(words[2]) if words[2:] else 0
        return MetricPoint(step, int(words[0]) * MICROSECONDS // _MILLISECONDS, float(words[1]))
    except (ValueError, IndexError):
        return None
