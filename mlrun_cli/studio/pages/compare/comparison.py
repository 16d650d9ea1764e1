"""The comparison of runs: their inputs, metrics and source files side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from mlrun_cli.actions.run_comparison import iterate_metric_values
from mlrun_cli.actions.run_settings import get_launch_settings, get_runconfig_variables, read_packages
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.sizes import format_size
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.runs.parameters import Parameters
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, EntryKind, escape_path
from mlrun_cli.studio.formatting import format_duration, format_number, format_timestamp
from mlrun_cli.studio.run_details import format_command_line, get_shown_tags, list_git_details
from mlrun_cli.workspace import Workspace

_MAX_METRICS = 500
_MAX_ROWS = 2000
_DIGEST_CHARACTERS = 10
METRICS_TITLE, SOURCE_TITLE = "Metrics", "Source files"


class FormattedRow(NamedTuple):
    """A row of a comparison: a name, and a value or None for each run."""

    name: str
    values: Sequence[str | None]

    @property
    def is_constant(self) -> bool:
        """True if all runs have the same value."""
        return len(set(self.values)) <= 1

    def differs(self, position: int) -> bool:
        """Return whether the run at a position has a different value from the first run, which is the baseline."""
        return self.values[position] != self.values[0]


class Section(NamedTuple):
    """Rows of one kind, with the numbers of hidden constant rows and of rows beyond the limit."""

    title: str
    rows: Sequence[FormattedRow]
    constant: int
    left_out: int


def compare_runs(workspace: Workspace, runs: Sequence[Run], *, includes_constant: bool) -> Sequence[Section]:
    """Return the sections of a comparison of runs, with or without rows whose values are all equal."""
    metrics, metrics_left_out = _list_metric_names(workspace, runs)
    parameters = workspace.parameters.get_for_runs([run.key for run in runs])
    kinds: Sequence[tuple[str, Callable[[], Iterable[FormattedRow]]]] = (
        ("Run", lambda: _build_run_rows(runs)),
        ("Parameters", lambda: build_rows([_get_parameter_texts(parameters.get(run.key, {})) for run in runs])),
        (METRICS_TITLE, lambda: _build_metric_rows(workspace, runs, metrics)),
        (
            "Tags",
            lambda: build_rows([{key: value or "✓" for key, value in get_shown_tags(run).items()} for run in runs]),
        ),
        ("Properties", lambda: build_rows([run.properties for run in runs])),
        ("Settings", lambda: build_rows([get_launch_settings(run) for run in runs])),
        ("Environment variables", lambda: build_rows([get_runconfig_variables(run) for run in runs])),
        ("Environment", lambda: build_rows([read_packages(workspace, run) for run in runs])),
        ("Git", lambda: build_rows([dict(list_git_details(run)) for run in runs])),
        (SOURCE_TITLE, lambda: build_rows([_read_source_files(workspace, run) for run in runs])),
    )
    sections = []
    for title, rows_of_kind in kinds:
        rows = list(rows_of_kind())
        wanted = [row for row in rows if includes_constant or len(runs) == 1 or not row.is_constant]
        if rows:
            first = wanted[:_MAX_ROWS]
            left_out = len(wanted) - len(first) + (metrics_left_out if title == METRICS_TITLE else 0)
            sections.append(Section(title, first, len(rows) - len(wanted), left_out))
    return sections


def build_rows(columns: Sequence[Mapping[str, str]]) -> Sequence[FormattedRow]:
    """Return a row for each name in the columns, in order of first appearance; each column belongs to a run."""
    names = dict.fromkeys(name for column in columns for name in column)
    return [FormattedRow(name, [column.get(name) for column in columns]) for name in names]


def _get_parameter_texts(parameters: Parameters) -> Mapping[str, str]:
    return {name: parameter.text for name, parameter in parameters.items()}


def _build_run_rows(runs: Sequence[Run]) -> Iterable[FormattedRow]:
    fields: Sequence[tuple[str, Callable[[Run], str | int | None]]] = (
        ("Experiment", lambda run: run.experiment_name),
        ("Status", lambda run: run.status.value),
        ("Created", lambda run: format_timestamp(run.created_at - run.created_at % MICROSECONDS)),
        ("Duration", lambda run: format_duration(run.compute_elapsed_seconds(now())) or None),
        ("Target", lambda run: run.target),
        ("Submitter", lambda run: run.user_name),
        ("Script and arguments", lambda run: format_command_line(run) or None),
        ("Exit code", lambda run: run.exit_code),
        ("Signal", lambda run: run.signal),
        ("Description", lambda run: run.description),
    )
    for name, read_field in fields:
        values = [read_field(run) for run in runs]
        if any(value is not None for value in values):
            yield FormattedRow(name, [str(value) if isinstance(value, int) else value for value in values])


def _list_metric_names(workspace: Workspace, runs: Sequence[Run]) -> tuple[Sequence[str], int]:
    """Return the names of the metrics to compare, and the number of metrics beyond the limit."""
    keys = [run.key for run in runs]
    names = workspace.metric_summaries.list_names(keys, _MAX_METRICS + 1)
    if len(names) <= _MAX_METRICS:
        return names, 0
    return names[:_MAX_METRICS], workspace.metric_summaries.count_names(keys) - _MAX_METRICS


def _build_metric_rows(workspace: Workspace, runs: Sequence[Run], names: Sequence[str]) -> Iterable[FormattedRow]:
    for label, values in iterate_metric_values(workspace, [run.key for run in runs], names):
        yield FormattedRow(label, _format_distinctly(values))


def _format_distinctly(values: Sequence[float | None]) -> Sequence[str | None]:
    """Format numbers as in tables, or in full if different numbers would look alike."""
    short, full = (
        [None if value is None else write(value) for value in values] for write in (format_number, _format_exactly)
    )
    return short if len(set(short)) == len(set(full)) else full


def _format_exactly(value: float) -> str:
    """Format a number as in tables, or with all its digits if it would otherwise be rounded."""
    short = format_number(value)
    return repr(value) if math.isfinite(value) and float(short) != value else short


def _read_source_files(workspace: Workspace, run: Run) -> dict[str, str]:
    """Return the digests and sizes of the files in a run's snapshot, keyed by path; empty without a snapshot."""
    snapshot_id = run.properties.get(SNAPSHOT_PROPERTY)
    snapshot = None if snapshot_id is None else SnapshotStore(workspace.snapshots_folder).find_manifest(snapshot_id)
    if snapshot is None:
        return {}
    return {
        escape_path(entry.path): f"{entry.digest[:_DIGEST_CHARACTERS]} {format_size(entry.size)}"
        for entry in snapshot.entries
        if entry.kind is EntryKind.FILE
    }
