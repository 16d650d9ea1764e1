"""Handlers of requests about runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.actions import interactive_runs, parameters, run_ends, studio_urls
from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.parameters import backfill_parameters, depends_on_parameters
from mlrun_cli.actions.run_columns import RunColumns, read_metric_columns, read_parameter_columns
from mlrun_cli.actions.sdk_metrics import read_metrics
from mlrun_cli.actions.sweep_overview import build_sweep_record, find_sweep_overview
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotFound, SnapshotRefused, UsageError
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.runs.status import parse_statuses
from mlrun_cli.runs.where.column_choice import parse_metric_choice, parse_parameter_choice
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.runtime import tracked_outputs

_MAX_SHOWN = 20


@handler("runs.get", only_reads=True)
def get_run(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the record of a run, with its status reconciled."""
    return build_run_record(_get_reconciled_run(context, run_id))


@handler("runs.details", only_reads=True)
def get_details(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the details of a run in the format of `Run.get_details()`."""
    return actions.get_run_details(context.workspace, _get_reconciled_run(context, run_id))


@handler("runs.address", only_reads=True)
def get_page_url(context: RequestContext, run_id: str) -> str:
    """Return the URL of a run's page."""
    return studio_urls.build_run_url(context.workspace, run_id)


@handler("runs.tags", only_reads=True)
def get_tags(context: RequestContext, run_id: str) -> dict[str, str | None]:
    """Return the tags of a run."""
    return dict(_get_reconciled_run(context, run_id).tags)


@handler("runs.properties", only_reads=True)
def get_properties(context: RequestContext, run_id: str) -> dict[str, str]:
    """Return the properties of a run."""
    return dict(_get_reconciled_run(context, run_id).properties)


@handler("runs.parameters", only_reads=True)
def get_parameters(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the parameters of a run, each a number or a string."""
    return parameters.get_parameters(context.workspace, get_run_by_full_id(context, run_id))


@handler("runs.add_properties")
def add_properties(context: RequestContext, run_id: str, properties: Mapping[str, str]) -> dict[str, str]:
    """Add properties to a run; return all of its properties."""
    actions.add_properties(context.workspace, get_run_by_full_id(context, run_id), properties)
    return context.workspace.runs.get_properties(get_run_by_full_id(context, run_id).key)


@handler("runs.parent", only_reads=True)
def get_parent(context: RequestContext, run_id: str) -> dict[str, Any] | None:
    """Return the record of a run's parent, or None if it has none."""
    parent_id = get_run_by_full_id(context, run_id).parent_run_id
    return None if parent_id is None else get_run(context, parent_id)


@handler("runs.metrics", only_reads=True)
def get_metrics(
    context: RequestContext, run_id: str, name: str | None = None, recursive: bool = False, run_type: str | None = None
) -> dict[str, Any]:
    """Return a run's metrics, keyed by name, or, if `recursive`, those of it and its descendants, keyed by run id."""
    read = partial(read_metrics, context.workspace)
    return _read_run_or_tree(context, run_id, read, name, recursive, run_type)


@handler("runs.metric_shapes", only_reads=True)
def get_metric_shapes(
    context: RequestContext, run_id: str, name: str | None = None, recursive: bool = False, run_type: str | None = None
) -> dict[str, Any]:
    """Return the `LoggedValue.shape` of each metric, keyed by name or, if `recursive`, by run id and name."""

    def read(run: Run, name: str | None) -> Mapping[str, str]:
        return context.workspace.metrics.get_shapes(run.key, name)

    return _read_run_or_tree(context, run_id, read, name, recursive, run_type)


def _read_run_or_tree(
    context: RequestContext,
    run_id: str,
    read: Callable[[Run, str | None], Mapping[str, Any]],
    name: str | None,
    recursive: bool,
    run_type: str | None,
) -> dict[str, Any]:
    """Return the result of `read` for a run or, if `recursive`, for it and its descendants, keyed by run id."""
    run = _get_reconciled_run(context, run_id)
    if not recursive:
        return dict(read(run, name))
    below = context.workspace.runs.list(RunFilter(parent_run_id=run_id, is_recursive=True, run_type=run_type))
    own = [run] if run_type in {None, run.run_type} else []
    return {each.run_id: read(each, name) for each in (*own, *reversed(below))}


@handler("runs.overview", only_reads=True)
def get_overview(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return a run's record, its first metrics, its newest children, and the total numbers of metrics and children."""
    run = _get_reconciled_run(context, run_id)
    summaries = context.workspace.metric_summaries
    below = RunFilter(parent_run_id=run_id)
    return {
        "run": build_run_record(run),
        "metrics": [
            {"name": each.name, "count": each.value_count, "last": each.last}
            for each in summaries.list(run.key, limit=_MAX_SHOWN, with_resources=False)
        ],
        "metric_count": summaries.count(run.key, with_resources=False),
        "children": list(map(build_run_record, actions.list_runs(context.workspace, below._replace(last=_MAX_SHOWN)))),
        "child_count": context.workspace.run_pages.count(below),
    }


@handler("runs.sweep", only_reads=True)
def get_sweep(
    context: RequestContext, run_id: str, limit: int | None = None, curve_points: int = 0
) -> dict[str, Any] | None:
    """Return the state of a sweep with its best runs first, or None if the run is not a sweep.

    Args:
        context: the context of the request.
        run_id: the id of the sweep.
        limit: the number of runs to return; None for all.
        curve_points: the number of points to which the values of the primary metric of each of these runs are reduced;
            these are in its `curve`, as pairs of step and value. With 0 there are no curves.
    """
    overview = find_sweep_overview(context.workspace, _get_reconciled_run(context, run_id), limit)
    if overview is None:
        return None
    record = build_sweep_record(overview)
    if curve_points:
        keys = [each.run.key for each in overview.runs]
        name = overview.definition.metric.name
        curves = context.workspace.metric_curves.get_curves(keys, name, max_points=curve_points)
        for key, each in zip(keys, record["runs"], strict=True):
            each["curve"] = [[point.step, point.value] for point in curves.get(key, ())]
    return record


@handler("runs.list", only_reads=True)
def list_runs(
    context: RequestContext,
    limit: int,
    before: int | None = None,
    experiment_name: str | None = None,
    parent_run_id: str | None = None,
    recursive: bool = False,
    run_type: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    tag_keys: Sequence[str] = (),
    properties: Mapping[str, str | None] | None = None,
    property_keys: Sequence[str] = (),
    status: Sequence[str] = (),
    target: str | None = None,
    include_children: bool = False,
    where: str | None = None,
    metrics: str | None = None,
    parameters: str | None = None,
) -> dict[str, Any]:
    """Return a page of runs, newest first, and, as `next`, the `before` argument for the next page, or None at the end.

    With `metrics` and `parameters`, the records have those that the same options of `run list` would add.
    """
    which = RunFilter(
        experiment_name=experiment_name,
        statuses=frozenset().union(*map(parse_statuses, status)),
        tags=(
            *(TagFilter(key, value) for key, value in (tags or {}).items()),
            *(TagFilter(key, any_value=True) for key in tag_keys),
        ),
        properties=(
            *(TagFilter(key, value) for key, value in (properties or {}).items()),
            *(TagFilter(key, any_value=True) for key in property_keys),
        ),
        parent_run_id=parent_run_id,
        is_recursive=recursive,
        include_children=include_children,
        run_type=run_type,
        target=target,
        where=None if where is None else parse_condition(where, now()),
        before_key=before,
        last=limit,
    )
    if depends_on_parameters(which):
        backfill_parameters(context.workspace, math.inf)
    found = actions.list_runs(context.workspace, which)
    columns: dict[str, RunColumns] = {}
    if metrics is not None:
        columns["metrics"] = read_metric_columns(context.workspace, found, parse_metric_choice(metrics))
    if parameters is not None:
        columns["parameters"] = read_parameter_columns(context.workspace, found, parse_parameter_choice(parameters))
    records = [
        {**build_run_record(run), **{key: each.get_record(run) for key, each in columns.items()}} for run in found
    ]
    return {"runs": records, "next": found[-1].key if len(found) == limit else None}


@handler("runs.open")
def start_interactive_run(
    context: RequestContext,
    experiment_name: str,
    run_id: str | None = None,
    parent_run_id: str | None = None,
    display_name: str | None = None,
    source_directory: str | None = None,
    snapshot_directory: str | None = None,
    outputs: str | None = None,
) -> dict[str, Any]:
    """Start an interactive run, which has no submitted script; return its record.

    Its properties contain the id of a snapshot of `snapshot_directory`, and the git commit of this folder, or else of
    `source_directory`. The files that are in the folder `outputs` when the run ends are saved with it.

    Raises:
        SnapshotRefused: no snapshot of this folder can be taken.
    """
    properties = _build_source_properties(context, source_directory, snapshot_directory)
    run = interactive_runs.create_interactive_run(
        context.workspace,
        experiment_name,
        context.get_owner_lock(context.workspace),
        run_id=run_id,
        parent=None if parent_run_id is None else get_run_by_full_id(context, parent_run_id),
        display_name=display_name,
        properties=properties,
    )
    track_outputs(context, run.run_id, outputs)
    return build_run_record(run)


@handler("runs.track_outputs")
def track_outputs(context: RequestContext, run_id: str, outputs: str | None) -> None:
    """Track the output folder of an interactive run, so that the files in it are saved when the run ends."""
    run = get_run_by_full_id(context, run_id)
    if outputs is not None and run.owner_lock is not None and not run.status.is_terminal:
        tracked_outputs.track_outputs(context.workspace, run.owner_lock, run_id, Path(outputs))


def _build_source_properties(
    context: RequestContext, source_directory: str | None, snapshot_directory: str | None
) -> Mapping[str, str]:
    if source_directory is None and snapshot_directory is None:
        return {}
    from mlrun_cli.actions import snapshots  # noqa: PLC0415 — few ask for it

    if snapshot_directory is None:
        return snapshots.get_commit_properties(Path(source_directory or "."))
    try:
        return snapshots.create_source_properties(context.workspace, Path(snapshot_directory))
    except UsageError as error:
        ways = f"{error.hint} Or pass" if error.hint else "Pass"
        raise SnapshotRefused(
            error.message, hint=f"{ways} snapshot_directory=None, which takes no snapshot."
        ) from error


@handler("runs.open_children")
def create_children(
    context: RequestContext, run_id: str, count: int, tag_key: str | None = None, tag_values: Sequence[str | None] = ()
) -> list[str]:
    """Create `count` child runs of a run, each with one of `tag_values` if `tag_key` is given; return their ids."""
    return interactive_runs.create_children(
        context.workspace,
        get_run_by_full_id(context, run_id),
        context.get_owner_lock(context.workspace),
        count,
        None if tag_key is None else (tag_key, tag_values),
    )


@handler("runs.complete")
def complete_run(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Mark an interactive run as Completed and save the files in its output folder; return its record."""
    run = get_run_by_full_id(context, run_id)
    _save_outputs(context, run)
    return build_run_record(interactive_runs.complete_interactive_run(context.workspace, run))


def _save_outputs(context: RequestContext, run: Run) -> None:
    """Save the files in the output folder of an interactive run, and add warnings about them to the run."""
    if run.owner_lock is not None:
        warnings = tracked_outputs.save_outputs(context.workspace, run.owner_lock, run.run_id)
        if warnings:
            context.workspace.runs.update(run.key, warnings=(*run.warnings, *warnings))


@handler("runs.fail")
def fail_run(
    context: RequestContext, run_id: str, message: str | None = None, code: str | None = None, debug_info: Any = None
) -> dict[str, Any]:
    """Stop the script of a run and mark the run as Failed; return its record."""
    info = debug_info if isinstance(debug_info, dict) else {}
    error = build_run_error(
        message or "fail() was called.",
        code=code or "UserError",
        kind=info.get("type"),
        stack_trace=info.get("stackTrace"),
    )
    run = _get_reconciled_run(context, run_id)
    _save_outputs(context, run)
    return build_run_record(run_ends.fail_run(context.workspace, run, error))


@handler("runs.cancel")
def cancel_run(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Request the cancellation of a run; return its record."""
    return build_run_record(run_ends.cancel_run(context.workspace, _get_reconciled_run(context, run_id), GRACE_SECONDS))


@handler("runs.update")
def update_run(
    context: RequestContext, run_id: str, display_name: str | None = None, description: str | None = None
) -> dict[str, Any]:
    """Change the name or description of a run; return its record."""
    changes = actions.RunChanges(tags={}, display_name=display_name, description=description)
    (updated,) = actions.update_runs(context.workspace, [get_run_by_full_id(context, run_id)], changes)
    return build_run_record(updated)


@handler("runs.flush", only_reads=True)
def flush(context: RequestContext, run_id: str) -> None:
    """Do nothing: all data that the run's processes have written are ingested before each response anyway."""


def get_run_by_full_id(context: RequestContext, run_id: str) -> Run:
    """Return the run with this unabbreviated id; raise RunNotFound if there is none.

    Raises:
        RunNotFound: no run has this id; the message mentions the workspace.
    """
    try:
        return context.workspace.runs.get(run_id)
    except RunNotFound:
        raise RunNotFound(run_id, context.identity.name) from None


def _get_reconciled_run(context: RequestContext, run_id: str) -> Run:
    """Return the run with this unabbreviated id, after reconciling its status."""
    (run,) = actions.get_reconciled_runs(context.workspace, [get_run_by_full_id(context, run_id)])
    return run
