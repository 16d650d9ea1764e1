"""Overview of a run: its metrics as curves, its environment, its files, and the reason for its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.artifacts import get_file_sizes
from mlrun_cli.actions.failure_report import FailureReport, read_failure_report
from mlrun_cli.actions.sweep_overview import SweepOverview, find_sweep_overview
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.wire.run_folder import LOG_FOLDERS
from mlrun_cli.workspace import Workspace

_MAX_METRICS = 12
_MAX_RUNS = 5
_POINTS = 40


class MetricOverview(NamedTuple):
    """A metric of a run: its last value, if that is a scalar, and a sample of its values in logging order."""

    summary: MetricSummary
    last: float | str | None
    numbers: Sequence[float]


class RunOverview(NamedTuple):
    """The metrics, environment, files and failure of a run.

    Attributes:
        metrics: the first metrics by name.
        metric_count: the number of all metrics.
        environment: details of the environment, such as the version of Python.
        files: the sizes in bytes of the files that the script wrote, keyed by name.
        failure: the reason why the run has failed; None if it has not.
        sweep: the state of the sweep, with some of its best runs; None for other runs.
    """

    metrics: Sequence[MetricOverview]
    metric_count: int
    environment: Sequence[str]
    files: Mapping[str, int]
    failure: FailureReport | None
    sweep: SweepOverview | None = None


def read_overview(workspace: Workspace, run: Run) -> RunOverview:
    """Return an overview of a run: its metrics, environment and files, its failure, and its sweep."""
    summaries = workspace.metric_summaries.list(run.key, limit=_MAX_METRICS, with_resources=False)
    sizes = get_file_sizes(workspace, run)
    return RunOverview(
        metrics=[_read_metric(workspace, run, summary) for summary in summaries],
        metric_count=workspace.metric_summaries.count(run.key, with_resources=False),
        environment=_describe_environment(workspace, run),
        files={name: size for name, size in sizes.items() if name.partition("/")[0] not in LOG_FOLDERS},
        failure=read_failure_report(workspace, run) if run.status is RunStatus.FAILED else None,
        sweep=find_sweep_overview(workspace, run, _MAX_RUNS) if run.run_type == SWEEP_RUN else None,
    )


def _read_metric(workspace: Workspace, run: Run, summary: MetricSummary) -> MetricOverview:
    last: Any = workspace.metrics.get_last_values(run.key, summary.name).get(summary.name)
    numbers: Sequence[float] = ()
    if summary.value_count > 1 and summary.has_numbers:
        curve = workspace.metric_curves.get_curve(run.key, summary.name, max_points=_POINTS)
        numbers = [point.value for point in curve]
    return MetricOverview(summary, last if isinstance(last, (float, int, str)) else None, numbers)


def _describe_environment(workspace: Workspace, run: Run) -> Sequence[str]:
    section: Mapping[str, Any] = ((run.definition or {}).get("environment") or {}).get("python") or {}
    record = read_json(workspace.get_run_folder(run.run_id).environment_record) or {}
    is_own = section.get("userManagedDependencies") or not record
    packages = len(record.get("installed") or ())
    details = (
        f"Python {record['python']}" if record.get("python") else None,
        section.get("interpreterPath") if is_own else None,
        f"{packages} packages" if packages else None,
        f"built by {record['builder']}" if record.get("builder") else None,
        f"image {record['image']}" if record.get("image") else None,
    )
    return [str(detail) for detail in details if detail]
