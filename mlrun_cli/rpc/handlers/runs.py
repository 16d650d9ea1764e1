"""Questions about runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import addresses, open_runs
from mlrun_cli.actions import runs as actions
from mlrun_cli.errors import RunNotFound, SnapshotRefused, UsageError
from mlrun_cli.rpc.context import Place
from mlrun_cli.runs.error import run_error
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.run import GRACE_SECONDS, Run, run_record
from mlrun_cli.runs.status import parse_statuses
from mlrun_cli.runtime import tracked_outputs

_MOST_SHOWN = 20


def get(place: Place, run_id: str) -> dict[str, Any]:
    """The record of a run, with its true status."""
    return run_record(_get_reconciled_run(place, run_id))


def details(place: Place, run_id: str) -> dict[str, Any]:
    """The record in the shape of `Run.get_details()`."""
    return actions.details_of(place.workspace, _get_reconciled_run(place, run_id))


def address(place: Place, run_id: str) -> str:
    """The address of a run's page."""
    return addresses.run_address(place.workspace, run_id)


def tags(place: Place, run_id: str) -> dict[str, str | None]:
    """The tags of a run."""
    return dict(_get_reconciled_run(place, run_id).tags)


def properties(place: Place, run_id: str) -> dict[str, str]:
    """The properties of a run."""
    return dict(_get_reconciled_run(place, run_id).properties)


def add_properties(place: Place, run_id: str, properties: Mapping[str, str]) -> dict[str, str]:
    """The properties after some have been added."""
    actions.add_properties(place.workspace, find_run(place, run_id), properties)
    return place.workspace.runs.properties(find_run(place, run_id).key)


def parent(place: Place, run_id: str) -> dict[str, Any] | None:
    """The record of the run above one; None when it is at the top."""
    parent_id = find_run(place, run_id).parent_run_id
    return None if parent_id is None else get(place, parent_id)


def metrics(
    place: Place, run_id: str, name: str | None = None, recursive: bool = False, run_type: str | None = None
) -> dict[str, Any]:
    """What a run has logged; with `recursive` by run id, of all runs below it too."""
    return _of_each(place, run_id, place.workspace.metrics.get, name, recursive, run_type)


def metric_shapes(
    place: Place, run_id: str, name: str | None = None, recursive: bool = False, run_type: str | None = None
) -> dict[str, Any]:
    """By the names of what `metrics` gives how it was logged, as `Logged.shape` says it."""
    return _of_each(place, run_id, place.workspace.metrics.shapes, name, recursive, run_type)


def _of_each(
    place: Place,
    run_id: str,
    read: Callable[[int, str | None], Mapping[str, Any]],
    name: str | None,
    recursive: bool,
    run_type: str | None,
) -> dict[str, Any]:
    """What `read` gives of a run; with `recursive` by run id, of all runs below it too."""
    run = _get_reconciled_run(place, run_id)
    if not recursive:
        return dict(read(run.key, name))
    below = place.workspace.runs.list(RunFilter(parent_run_id=run_id, is_recursive=True, run_type=run_type))
    own = [run] if run_type in {None, run.run_type} else []
    return {each.run_id: read(each.key, name) for each in (*own, *reversed(below))}


def overview(place: Place, run_id: str) -> dict[str, Any]:
    """The record of a run, the first of its metrics by name with their last numbers, and the newest runs below it."""
    run = _get_reconciled_run(place, run_id)
    summaries = place.workspace.metric_summaries
    below = RunFilter(parent_run_id=run_id)
    return {
        "run": run_record(run),
        "metrics": [
            {"name": each.name, "count": each.value_count, "last": each.last}
            for each in summaries.list(run.key, limit=_MOST_SHOWN)
        ],
        "metric_count": summaries.count(run.key),
        "children": list(map(run_record, actions.list_runs(place.workspace, below._replace(last=_MOST_SHOWN)))),
        "child_count": place.workspace.run_pages.count(below),
    }


def list_some(
    place: Place,
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
) -> dict[str, Any]:
    """`{"runs": [record…], "next": …}`, newest first; `next` is `before` for those that follow, null at the end."""
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
        before_key=before,
        last=limit,
    )
    found = actions.list_runs(place.workspace, which)
    return {"runs": list(map(run_record, found)), "next": found[-1].key if len(found) == limit else None}


def open_one(
    place: Place,
    experiment_name: str,
    run_id: str | None = None,
    parent_run_id: str | None = None,
    display_name: str | None = None,
    source_directory: str | None = None,
    snapshot_directory: str | None = None,
    outputs: str | None = None,
) -> dict[str, Any]:
    """The record of a new run without a script.

    Its properties tell of a snapshot of `snapshot_directory`, and of the git commit that this folder, or else
    `source_directory`, stands at. What lies in the folder `outputs` at its end is kept with it.

    Raises:
        SnapshotRefused: no snapshot can be taken of this folder.
    """
    properties = _source_properties(place, source_directory, snapshot_directory)
    run = open_runs.open_run(
        place.workspace,
        experiment_name,
        place.get_owner_lock(place.workspace),
        run_id=run_id,
        parent=None if parent_run_id is None else find_run(place, parent_run_id),
        display_name=display_name,
        properties=properties,
    )
    track_outputs(place, run.run_id, outputs)
    return run_record(run)


def track_outputs(place: Place, run_id: str, outputs: str | None) -> None:
    """Have what lies in a folder at the end of a run without a script be kept with it."""
    run = find_run(place, run_id)
    if outputs is not None and run.owner_lock is not None and not run.status.is_terminal:
        tracked_outputs.track_outputs(place.workspace, run.owner_lock, run_id, Path(outputs))


def _source_properties(place: Place, source: str | None, snapshot: str | None) -> Mapping[str, str]:
    if source is None and snapshot is None:
        return {}
    from mlrun_cli.actions import snapshots  # noqa: PLC0415 — few ask for it

    if snapshot is None:
        return snapshots.commit_properties(Path(source or "."))
    try:
        return snapshots.source_properties(place.workspace, Path(snapshot))
    except UsageError as error:
        ways = f"{error.hint} Or pass" if error.hint else "Pass"
        raise SnapshotRefused(
            error.message, hint=f"{ways} snapshot_directory=None, which takes no snapshot."
        ) from error


def open_children(
    place: Place, run_id: str, count: int, tag_key: str | None = None, tag_values: Sequence[str | None] = ()
) -> list[str]:
    """The ids of new runs below one."""
    return open_runs.open_children(
        place.workspace,
        find_run(place, run_id),
        place.get_owner_lock(place.workspace),
        count,
        None if tag_key is None else (tag_key, tag_values),
    )


def complete(place: Place, run_id: str) -> dict[str, Any]:
    """The record after a run without a script has been completed, with what lies in its folder of outputs."""
    run = find_run(place, run_id)
    _keep_outputs(place, run)
    return run_record(open_runs.end_run(place.workspace, run))


def _keep_outputs(place: Place, run: Run) -> None:
    if run.owner_lock is not None:
        warnings = tracked_outputs.keep_outputs(place.workspace, run.owner_lock, run.run_id)
        if warnings:
            place.workspace.runs.update(run.key, warnings=(*run.warnings, *warnings))


def fail(
    place: Place, run_id: str, message: str | None = None, code: str | None = None, debug_info: Any = None
) -> dict[str, Any]:
    """The record after a run has failed; the script of one that has one has been stopped."""
    info = debug_info if isinstance(debug_info, dict) else {}
    error = run_error(
        message or "fail() was called.",
        code=code or "UserError",
        kind=info.get("type"),
        stack_trace=info.get("stackTrace"),
    )
    run = _get_reconciled_run(place, run_id)
    _keep_outputs(place, run)
    return run_record(actions.fail_run(place.workspace, run, error))


def cancel(place: Place, run_id: str) -> dict[str, Any]:
    """The record after a run has been asked to stop."""
    return run_record(actions.cancel_run(place.workspace, _get_reconciled_run(place, run_id), GRACE_SECONDS))


def update(
    place: Place, run_id: str, display_name: str | None = None, description: str | None = None
) -> dict[str, Any]:
    """The record after texts of a run have been changed."""
    changes = actions.RunChanges(tags={}, display_name=display_name, description=description)
    (updated,) = actions.update_runs(place.workspace, [find_run(place, run_id)], changes)
    return run_record(updated)


def flush(place: Place, run_id: str) -> None:
    """Do nothing: all that was written is ingested before any handler is called."""


def find_run(place: Place, run_id: str) -> Run:
    """The run of this whole id.

    Raises:
        RunNotFound: there is none; names the workspace.
    """
    try:
        return place.workspace.runs.get(run_id)
    except RunNotFound:
        raise RunNotFound(run_id, place.identity.name) from None


def _get_reconciled_run(place: Place, run_id: str) -> Run:
    """Return a run with its true status."""
    (run,) = actions.get_reconciled_runs(place.workspace, [find_run(place, run_id)])
    return run


CALLS = {
    "get": get,
    "details": details,
    "address": address,
    "tags": tags,
    "properties": properties,
    "add_properties": add_properties,
    "parent": parent,
    "metrics": metrics,
    "metric_shapes": metric_shapes,
    "overview": overview,
    "list": list_some,
    "open": open_one,
    "open_children": open_children,
    "track_outputs": track_outputs,
    "complete": complete,
    "fail": fail,
    "cancel": cancel,
    "update": update,
    "flush": flush,
}
