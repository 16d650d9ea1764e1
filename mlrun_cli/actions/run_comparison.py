"""Comparison of runs by their inputs, metrics and source files, value by value."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.actions.run_settings import get_launch_settings, get_runconfig_variables, read_packages
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso, now
from mlrun_cli.metrics.metric import LAST, SUMMARIES
from mlrun_cli.runs.parameters import get_parameter_values
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, EntryKind, SnapshotEntry, escape_path
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags
from mlrun_cli.workspace import Workspace

PARAMETERS, METRICS, RUN, TAGS, PROPERTIES = "parameters", "metrics", "run", "tags", "properties"
SETTINGS, VARIABLES, PACKAGES, CODE = "settings", "variables", "packages", "code"

_NAMES_AT_ONCE = 500
_MAX_NAMES = 100_000
_FIELDS: Mapping[str, Callable[[Run], Any]] = {
    "display_name": lambda run: run.display_name,
    "experiment": lambda run: run.experiment_name,
    "status": lambda run: run.status.value,
    "created": lambda run: format_iso(run.created_at),
    "duration_seconds": lambda run: run.compute_elapsed_seconds(now()),
    "target": lambda run: run.target,
    "user": lambda run: run.user_name,
    "script": lambda run: run.script_name,
    "exit_code": lambda run: run.exit_code,
    "signal": lambda run: run.signal,
    "description": lambda run: run.description,
}

_Column = Mapping[str, Any]


class ComparisonRow(NamedTuple):
    """A compared value: its section, its name, and for each run the value or None."""

    section: str
    name: str
    values: Sequence[Any]

    @property
    def differs(self) -> bool:
        """True if the runs have different values; NaN counts as equal to NaN."""
        first = self.values[0]
        return not all(value == first or (_is_nan(value) and _is_nan(first)) for value in self.values)


def compare_runs(
    workspace: Workspace, runs: Sequence[Run], sections: Collection[str] | None = None
) -> Sequence[ComparisonRow]:
    """Return the values of runs side by side; in each section, different values come first.

    Args:
        workspace: the workspace of the runs.
        runs: the runs, at least one.
        sections: the sections to compare; None for all.
    """
    parameters = workspace.parameters.get_for_runs([run.key for run in runs])
    readers: Mapping[str, Callable[[], Iterable[_Column]]] = {
        PARAMETERS: lambda: (get_parameter_values(parameters.get(run.key, {})) for run in runs),
        METRICS: lambda: _read_metrics(workspace, runs),
        RUN: lambda: (_get_run_fields(run) for run in runs),
        TAGS: lambda: (drop_bookkeeping_tags(run.run_type, run.run_id, run.tags) for run in runs),
        PROPERTIES: lambda: (run.properties for run in runs),
        SETTINGS: lambda: (get_launch_settings(run) for run in runs),
        VARIABLES: lambda: (get_runconfig_variables(run) for run in runs),
        PACKAGES: lambda: (read_packages(workspace, run) for run in runs),
        CODE: lambda: (_read_code(workspace, run) for run in runs),
    }
    found: list[ComparisonRow] = []
    for section, read in readers.items():
        if sections is None or section in sections:
            found += sorted(_build_rows(section, list(read())), key=lambda row: not row.differs)
    return found


def build_row_record(row: ComparisonRow, runs: Sequence[Run]) -> dict[str, Any]:
    """Return a row as a JSON-compatible dict, with its values keyed by run id."""
    values = {run.run_id: value for run, value in zip(runs, row.values, strict=True)}
    return {"section": row.section, "name": row.name, "differs": row.differs, "values": values}


def _build_rows(section: str, columns: Sequence[_Column]) -> Iterator[ComparisonRow]:
    for name in dict.fromkeys(name for column in columns for name in column):
        yield ComparisonRow(section, name, [column.get(name) for column in columns])


def _get_run_fields(run: Run) -> _Column:
    fields = {name: read(run) for name, read in _FIELDS.items()}
    return {name: value for name, value in fields.items() if value is not None}


def _read_metrics(workspace: Workspace, runs: Sequence[Run]) -> Sequence[_Column]:
    """Return the metrics of each run, keyed by label: the last value and, of several values, minimum and maximum."""
    keys = [run.key for run in runs]
    names = workspace.metric_summaries.list_names(keys, _MAX_NAMES)
    columns: Sequence[dict[str, Any]] = [{} for _ in runs]
    for start in range(0, len(names), _NAMES_AT_ONCE):
        for label, values in iterate_metric_values(workspace, keys, names[start : start + _NAMES_AT_ONCE]):
            for column, value in zip(columns, values, strict=True):
                column[label] = _simplify_number(value)
    return columns


def iterate_metric_values(
    workspace: Workspace, run_keys: Sequence[int], names: Sequence[str]
) -> Iterator[tuple[str, Sequence[float | None]]]:
    """Yield the label and the values, one per run, of each metric's statistics; None for a run without the metric.

    If a run has several values of a metric, its minimum and maximum follow, and the labels name the statistic.

    Args:
        workspace: the workspace of the runs.
        run_keys: the keys of the runs.
        names: the names of the metrics.
    """
    summaries = workspace.metric_summaries.get_for_runs(run_keys, names)
    for name in names:
        found = [summaries.get((key, name)) for key in run_keys]
        is_single = all(summary is None or summary.value_count == 1 for summary in found)
        for statistic in (LAST,) if is_single else SUMMARIES:
            label = name if is_single else f"{name} ({statistic})"
            yield label, [None if summary is None else summary.get_statistic(statistic) for summary in found]


def _simplify_number(value: float | None) -> float | int | None:
    """Return a float without a fraction as an int, and other values, including None, unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53 else value


def _read_code(workspace: Workspace, run: Run) -> _Column:
    """Return descriptions of the files and links in a run's snapshot, keyed by path; empty if there is no snapshot."""
    snapshot_id = run.properties.get(SNAPSHOT_PROPERTY)
    snapshot = None if snapshot_id is None else SnapshotStore(workspace.snapshots_folder).find_manifest(snapshot_id)
    entries: Sequence[SnapshotEntry] = () if snapshot is None else snapshot.entries
    return {
        escape_path(entry.path): _describe_entry(entry) for entry in entries if entry.kind is not EntryKind.DIRECTORY
    }


def _describe_entry(entry: SnapshotEntry) -> str:
    if entry.kind is EntryKind.LINK:
        return f"-> {escape_path(entry.target)}"
    return f"{entry.digest} executable" if entry.executable else entry.digest


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
