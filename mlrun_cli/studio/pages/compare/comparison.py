"""Runs side by side: what they were given, what they logged and what they were made of."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.sizes import format_size
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.metric import LAST, SUMMARIES, MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, EntryKind, shown
from mlrun_cli.studio.formatting import format_duration, format_number, format_timestamp
from mlrun_cli.studio.pages.compare.parameters import parameters_of
from mlrun_cli.studio.run_facts import git_facts, started_line
from mlrun_cli.workspace import Workspace

_MOST_METRICS = 500
_MOST_ROWS = 2000
_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:==?|@)\s*(?P<version>\S+)")
_SETTINGS = ("framework", "communicator", "nodeCount", "maxRunDurationSeconds")
_SHOWN_DIGEST = 10
METRICS, SOURCE = "Metrics", "Source files"


class Row(NamedTuple):
    """A name and what each run has under it, None where it has nothing."""

    name: str
    values: Sequence[str | None]

    @property
    def is_constant(self) -> bool:
        """Whether all runs have the same."""
        return len(set(self.values)) <= 1

    def differs(self, position: int) -> bool:
        """Whether a run has something else than the first one."""
        return self.values[position] != self.values[0]


class Section(NamedTuple):
    """Rows of one kind; `constant` more are the same in all runs, and `left_out` more are too many to be shown."""

    title: str
    rows: Sequence[Row]
    constant: int
    left_out: int


def compare(workspace: Workspace, runs: Sequence[Run], *, with_constant: bool) -> Sequence[Section]:
    """All that can be told of the runs, the rows in which they differ alone unless all are asked for."""
    metrics, metrics_left_out = _metric_names(workspace, runs)
    kinds: Sequence[tuple[str, Callable[[], Iterable[Row]]]] = (
        ("Run", lambda: _facts(runs)),
        ("Parameters", lambda: rows_of([parameters_of(run) for run in runs])),
        (METRICS, lambda: _metrics(workspace, runs, metrics)),
        ("Tags", lambda: rows_of([{key: value or "✓" for key, value in run.tags.items()} for run in runs])),
        ("Properties", lambda: rows_of([run.properties for run in runs])),
        ("Settings", lambda: rows_of([_settings(run) for run in runs])),
        ("Environment variables", lambda: rows_of([_variables(run) for run in runs])),
        ("Environment", lambda: rows_of([_environment(workspace, run) for run in runs])),
        ("Git", lambda: rows_of([dict(git_facts(run)) for run in runs])),
        (SOURCE, lambda: rows_of([_source(workspace, run) for run in runs])),
    )
    sections = []
    for title, rows_of_kind in kinds:
        rows = list(rows_of_kind())
        wanted = [row for row in rows if with_constant or len(runs) == 1 or not row.is_constant]
        if rows:
            first = wanted[:_MOST_ROWS]
            left_out = len(wanted) - len(first) + (metrics_left_out if title == METRICS else 0)
            sections.append(Section(title, first, len(rows) - len(wanted), left_out))
    return sections


def rows_of(columns: Sequence[Mapping[str, str]]) -> Sequence[Row]:
    """A row for each name that one of the runs has, in the order of its first appearance."""
    names = dict.fromkeys(name for column in columns for name in column)
    return [Row(name, [column.get(name) for column in columns]) for name in names]


def _facts(runs: Sequence[Run]) -> Iterable[Row]:
    facts: Sequence[tuple[str, Callable[[Run], str | int | None]]] = (
        ("Experiment", lambda run: run.experiment_name),
        ("Status", lambda run: run.status.value),
        ("Created", lambda run: format_timestamp(run.created_at - run.created_at % MICROSECONDS)),
        ("Duration", lambda run: format_duration(run.elapsed_seconds(now())) or None),
        ("Target", lambda run: run.target),
        ("Submitter", lambda run: run.user_name),
        ("Script and arguments", lambda run: started_line(run) or None),
        ("Exit code", lambda run: run.exit_code),
        ("Signal", lambda run: run.signal),
        ("Description", lambda run: run.description),
    )
    for name, fact in facts:
        values = [fact(run) for run in runs]
        if any(value is not None for value in values):
            yield Row(name, [str(value) if isinstance(value, int) else value for value in values])


def _metric_names(workspace: Workspace, runs: Sequence[Run]) -> tuple[Sequence[str], int]:
    """The metrics that are compared, and how many more there are."""
    keys = [run.key for run in runs]
    names = workspace.metric_summaries.names(keys, _MOST_METRICS + 1)
    if len(names) <= _MOST_METRICS:
        return names, 0
    return names[:_MOST_METRICS], workspace.metric_summaries.name_count(keys) - _MOST_METRICS


def _metrics(workspace: Workspace, runs: Sequence[Run], names: Sequence[str]) -> Iterable[Row]:
    keys = [run.key for run in runs]
    summaries = workspace.metric_summaries.of_runs(keys, names)
    for name in names:
        found = [summaries.get((key, name)) for key in keys]
        is_single = all(summary is None or summary.value_count == 1 for summary in found)
        for which in (LAST,) if is_single else SUMMARIES:
            label = name if is_single else f"{name} ({which})"
            yield Row(label, _told_apart([_measured(summary, which) for summary in found]))


def _measured(summary: MetricSummary | None, which: str) -> float | None:
    return None if summary is None else summary.measured(which)


def _told_apart(values: Sequence[float | None]) -> Sequence[str | None]:
    """Numbers as a table has them, or in full where some that differ would look the same."""
    short, full = ([None if value is None else write(value) for value in values] for write in (format_number, _in_full))
    return short if len(set(short)) == len(set(full)) else full


def _in_full(value: float) -> str:
    short = format_number(value)
    return repr(value) if math.isfinite(value) and float(short) != value else short


def _settings(run: Run) -> dict[str, str]:
    definition: Mapping[str, Any] = run.definition or {}
    return {name: str(definition[name]) for name in _SETTINGS if definition.get(name) is not None}


def _variables(run: Run) -> dict[str, str]:
    """The variables of the runconfig, whose secrets the record does not hold."""
    definition: Mapping[str, Any] = run.definition or {}
    return {str(name): str(value) for name, value in (definition.get("environmentVariables") or {}).items()}


def _environment(workspace: Workspace, run: Run) -> dict[str, str]:
    """Python, and the version of each package that was installed for the run."""
    section: Mapping[str, Any] = ((run.definition or {}).get("environment") or {}).get("python") or {}
    record = read_json(workspace.run_folder(run.run_id).environment_record) or {}
    facts = {"python": record.get("python") or section.get("interpreterPath"), "image": record.get("image")}
    found = {name: str(value) for name, value in facts.items() if value}
    for line in record.get("installed") or ():
        package = _PACKAGE.match(line)
        found[package["name"].lower() if package else line] = package["version"] if package else "✓"
    return found


def _source(workspace: Workspace, run: Run) -> dict[str, str]:
    """Each file of the snapshot, told by its content."""
    snapshot_id = run.properties.get(SNAPSHOT_PROPERTY)
    snapshot = None if snapshot_id is None else SnapshotStore(workspace.snapshots_folder).find_manifest(snapshot_id)
    if snapshot is None:
        return {}
    return {
        shown(entry.path): f"{entry.digest[:_SHOWN_DIGEST]} {format_size(entry.size)}"
        for entry in snapshot.entries
        if entry.kind is EntryKind.FILE
    }
