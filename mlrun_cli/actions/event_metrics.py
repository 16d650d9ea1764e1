"""Metrics that a script has written into TensorBoard event files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import MetricNotFound
from mlrun_cli.metrics.metric import MetricPoint, MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.wire.event_records import read_scalars
from mlrun_cli.wire.tensorboard import list_event_files
from mlrun_cli.workspace import Workspace

_LOGS = "logs"
_VALUE = "value"
_MAX_BYTES = 256_000_000
"""The total size of event files up to which they are read."""


def list_event_roots(workspace: Workspace, run: Run) -> Sequence[str]:
    """Return the paths of a run's folders in which its script may have written TensorBoard event files."""
    folder = workspace.get_run_folder(run.run_id)
    return os.fspath(folder.work), os.fspath(folder.uploads)


def read_event_metrics(workspace: Workspace, run: Run) -> Mapping[str, Sequence[MetricPoint]]:
    """Return the scalars in a run's TensorBoard event files, keyed by name and sorted by step, with one point per step.

    A name is the tag in the file, after the folders in which the file is, without `logs`: `train/epoch_loss`.
    """
    found: dict[str, dict[int, MetricPoint]] = {}
    left = _MAX_BYTES
    for name, path in sorted(list_event_files(list_event_roots(workspace, run)).items()):
        with suppress(OSError):
            size = os.stat(path).st_size
            left -= size
            if left < 0:
                break
            parts = name.split("/")[:-1]
            prefix = "/".join(parts[1:] if parts[:1] == [_LOGS] else parts)
            for tag, points in _read_event_file(path, size).items():
                found.setdefault(f"{prefix}/{tag}" if prefix else tag, {}).update(points)
    return {name: [points[step] for step in sorted(points)] for name, points in sorted(found.items())}


@lru_cache(maxsize=64)
def _read_event_file(path: str, size: int) -> Mapping[str, Mapping[int, MetricPoint]]:
    """Return the scalars in a TensorBoard event file, keyed by tag and by step; `size` serves only as a cache key."""
    del size
    found: dict[str, dict[int, MetricPoint]] = {}
    with open(path, "rb") as file:
        for scalar in read_scalars(file):
            point = MetricPoint(float(scalar.step), int(scalar.time * MICROSECONDS), scalar.value)
            found.setdefault(scalar.tag, {})[scalar.step] = point
    return found


def summarize_points(name: str, points: Sequence[MetricPoint]) -> MetricSummary:
    """Return the summary of a metric's points in event files; there must be at least one point."""
    numbers = [point.value for point in points if point.value == point.value]
    least, greatest = (min(numbers), max(numbers)) if numbers else (None, None)
    return MetricSummary(name, _VALUE, len(points), points[-1].value, least, greatest)


def get_event_metrics(workspace: Workspace, run: Run, *, name: str | None, last: bool) -> dict[str, Any]:
    """Return the scalars in a run's TensorBoard event files, in the format of `Run.get_metrics()`.

    Raises:
        MetricNotFound: there is none with this name.
    """
    metrics = read_event_metrics(workspace, run)
    if name is not None:
        if name not in metrics:
            there_are = ", ".join(map(repr, metrics)) or "none"
            raise MetricNotFound(
                f"The event files of the run '{run.run_id}' have no {name!r}.",
                hint=f"There are: {there_are}.",
                target=name,
            )
        metrics = {name: metrics[name]}
    values = {each: [point.value for point in points] for each, points in metrics.items()}
    return {each: numbers[-1] if last or len(numbers) == 1 else numbers for each, numbers in values.items()}
