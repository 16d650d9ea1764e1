"""`queue`: show running and waiting runs of compute targets."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

from mlrun_cli.cli.command import Group, Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.runs.run import Run, build_run_record

if TYPE_CHECKING:
    from mlrun_cli.actions.queue_overview import TargetOverview
    from mlrun_cli.cli.output.columns import Layout

app = Group("queue")

_IDLE = "idle"
_MAX_WAITING = 20
_KEYS = (
    *("run_id", "display_name", "_experiment_name", "status", "user_id", "created_utc", "start_time_utc"),
    *("gpus", "waiting_for"),
)
_COLUMNS = ("target", "max_nodes", "busy_nodes", "waiting_count", "position", *_KEYS)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("Show what runs and what waits on each target", "mlrun queue list -o table"),
        ("Print the ids of the runs that wait", "mlrun queue list --query '[?position].run_id' -o tsv"),
    ],
)
def list_queues(
    global_options: GlobalOptions,
    target: Annotated[
        str | None,
        Option("--compute-target-name", "--ct", metavar="NAME", help="Only the queue of this compute target."),
    ] = None,
) -> object:
    """List the running and then the queued runs of each compute target, in the order in which they start.

    A waiting run has a position, from 1, and the reason why it waits. A target without runs is listed as well.
    """
    from mlrun_cli.actions.compute_targets import check_target_exists  # noqa: PLC0415 - start-up
    from mlrun_cli.actions.queue_overview import list_target_overviews  # noqa: PLC0415

    most_waiting = _MAX_WAITING if global_options.is_human_readable else sys.maxsize
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        overviews = list_target_overviews(workspace, most_waiting)
        if target is not None and target not in {overview.name for overview in overviews}:
            check_target_exists(workspace, target)
    chosen = [overview for overview in overviews if target in {None, overview.name}]
    records = [record for overview in chosen for record in _build_records(overview)]

    def build_layout(encoding: str) -> Layout:
        return _build_layout(records, encoding, datetime.now(timezone.utc))

    for overview in chosen:
        more = overview.waiting_count - len(overview.waiting)
        if more > 0 and global_options.is_human_readable:
            global_options.notes.info(f"{overview.name}: {more} more wait; -o json lists them all.")
    return Result(records, layout=build_layout, first_columns=_COLUMNS)


def _build_records(overview: TargetOverview) -> Iterator[dict[str, Any]]:
    """Yield a record for each run of a target, or a single record if it has none."""
    of_target = {
        "target": overview.name,
        "busy_nodes": overview.busy_nodes,
        "waiting_count": overview.waiting_count,
        **({} if overview.most_nodes is None else {"max_nodes": overview.most_nodes}),
    }
    for run in overview.running:
        yield {**of_target, **_build_run_record(run)}
    for position, run in enumerate(overview.waiting, start=1):
        yield {**of_target, "position": position, **_build_run_record(run)}
    if not overview.running and not overview.waiting:
        yield of_target


def _build_run_record(run: Run) -> dict[str, Any]:
    record = build_run_record(run)
    counts = {"node_count": run.node_count, **({"gpu_count": run.gpu_count} if run.gpu_count else {})}
    return {**counts, **{key: record[key] for key in _KEYS if key in record}}


def _build_layout(records: Sequence[Mapping[str, Any]], encoding: str, now: datetime) -> Layout:
    from mlrun_cli.cli.output.columns import Layout, TableColumn, localize_times  # noqa: PLC0415 - start-up
    from mlrun_cli.cli.output.runs_table import format_run_duration, format_status  # noqa: PLC0415

    def build_column(heading: str, record_key: str, **settings: Any) -> TableColumn:
        return TableColumn(heading, [str(record.get(record_key) or "") for record in records], **settings)

    statuses = [format_status(record, encoding) if "run_id" in record else _IDLE for record in records]
    names = build_column("Name", "display_name")
    columns = [
        build_column("Target", "target"),
        TableColumn("Nodes", [_format_nodes(record) for record in records], is_right=True),
        build_column("Position", "position", is_right=True),
        TableColumn("Status", statuses),
        *([names] if any(names.cells) else []),
        build_column("Run", "run_id", keeps_end=True),
        build_column("Experiment", "_experiment_name"),
        TableColumn("Duration", [format_run_duration(record, now) for record in records], is_right=True),
        TableColumn("Waits for", [localize_times(record.get("waiting_for") or "") for record in records]),
    ]
    kept = [each for each in columns if each.heading == "Status" or any(each.cells)]
    around_ids = [(heading, width) for heading, width in _NARROWING if heading != "Run"]
    return Layout(kept, narrowings=[around_ids, _NARROWING])


def _format_nodes(record: Mapping[str, Any]) -> str:
    """Return the number of a run's nodes or, for a target without runs, 0 and the node limit, if any, as text."""
    if "run_id" in record:
        return str(record["node_count"])
    return f"0/{record['max_nodes']}" if "max_nodes" in record else "0"


_NARROWING = (
    *(("Waits for", 30), ("Name", 24), ("Experiment", 10), ("Target", 12), ("Experiment", 0), ("Nodes", 0)),
    *(("Run", 21), ("Duration", 0), ("Name", 12), ("Waits for", 12), ("Run", 12), ("Position", 0), ("Waits for", 0)),
    *(("Name", 0), ("Target", 6), ("Status", 1)),
)
