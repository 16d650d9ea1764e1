"""Runs, metrics and registered models as MLflow's clients see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions import runs as run_actions
from mlrun_cli.actions.run_deletion import check_deletable, list_runs_with_descendants
from mlrun_cli.actions.tracking_records import MICROSECONDS_IN_MILLISECOND, build_tracking_records
from mlrun_cli.actions.trash import get_deleted_runs, move_to_trash, restore_runs
from mlrun_cli.core.time import now
from mlrun_cli.errors import AlreadyExists, ModelNotFound, RunNotFound
from mlrun_cli.metrics.metric import convert_to_float
from mlrun_cli.models.model import ModelFilter, check_model_name
from mlrun_cli.runs.run import INTERACTIVE_RUN, Run
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.workspace import Workspace

_MAX_POINTS = 100_000


def get_tracking_record(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Return the record of a run, which may be in the trash.

    Raises:
        RunNotFound: no run has this id.
    """
    key = workspace.runs.find_key(run_id)
    if key is not None:
        runs = run_actions.get_reconciled_runs(workspace, [workspace.runs.get_by_key(key)])
        return build_tracking_records(workspace, runs)[0]
    deleted = workspace.trash.find_run(run_id)
    if deleted is None:
        raise RunNotFound(run_id, workspace.identity.name)
    return build_tracking_records(workspace, [deleted.run], is_deleted=True)[0]


def list_tracking_records(
    workspace: Workspace, experiment_names: Sequence[str], limit: int, before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of the records of runs in MLflow's order, and `before` for the next page, None for no next page.

    That order is by start, latest first, and by id where starts are in the same millisecond.
    """
    not_responding = reconcile(workspace)
    found = [workspace.experiments.find(name) for name in experiment_names]
    keys = [experiment.key for experiment in found if experiment is not None]
    runs, following = workspace.run_pages.list_last_started_runs(keys, limit, before)
    records = build_tracking_records(workspace, run_actions.prepare_for_display(workspace, runs, not_responding))
    return sorted(records, key=lambda record: (-record["start_time"], record["run_id"])), following


def list_deleted_records(workspace: Workspace, experiment_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the records of the deleted runs of experiments, most recently deleted first."""
    found = [each.run for name in experiment_names for each in workspace.trash.list_runs(experiment_name=name)]
    return build_tracking_records(workspace, found, is_deleted=True)


def read_metric_history(
    workspace: Workspace, run_id: str, name: str, after: int = 0, limit: int | None = None
) -> tuple[list[list[Any]], int | None]:
    """Return a page of the numbers logged for a metric, and `after` for the next page, None for no next page.

    Numbers are in order, each with its timestamp in milliseconds and its step, which is 0 if it was logged without one;
    other values are left out, so that a page may have fewer than `limit`. The run may be in the trash.

    Raises:
        RunNotFound: no run has this id.
    """
    count = min(limit or _MAX_POINTS, _MAX_POINTS)
    key = workspace.runs.find_key(run_id)
    deleted_key = workspace.trash.find_key(run_id) if key is None else None
    if key is not None:
        items = workspace.metrics.list_items(key, name, limit=count + 1, offset=after)
    elif deleted_key is not None:
        metric_key = workspace.trash.get_values([deleted_key])[deleted_key].metric_keys.get(name)
        items = (
            [] if metric_key is None else workspace.metrics.list_items_by_key(metric_key, limit=count + 1, offset=after)
        )
    else:
        raise RunNotFound(run_id, workspace.identity.name)
    points = [
        [convert_to_float(item.value), item.logged_at // MICROSECONDS_IN_MILLISECOND, int(item.step or 0)]
        for item in items[:count]
        if isinstance(item.value, (bool, int, float))
    ]
    return points, items[count].position if len(items) > count else None


def set_run_times(workspace: Workspace, run: Run, started_at: int | None, ended_at: int | None) -> None:
    """Set the start of an interactive run and, if the run has ended, its end, which is not before the start.

    Times are in milliseconds; those that are None, and those of other runs, stay.
    """
    if run.run_type != INTERACTIVE_RUN:
        return
    changes: dict[str, int] = {}
    if started_at is not None:
        changes["started_at"] = started_at * MICROSECONDS_IN_MILLISECOND
    if ended_at is not None and run.ended_at is not None:
        start = changes.get("started_at", run.started_at or 0)
        changes["ended_at"] = max(start, ended_at * MICROSECONDS_IN_MILLISECOND)
    if changes:
        with workspace.transaction():
            workspace.runs.update(run.key, **changes)


def delete_run(workspace: Workspace, run: Run) -> None:
    """Move an ended run and its descendants to the trash.

    Raises:
        UsageError: it has not ended, or it is protected.
    """
    runs = list_runs_with_descendants(workspace, run_actions.get_reconciled_runs(workspace, [run]))
    check_deletable(workspace, runs, force=False)
    move_to_trash(workspace, runs)


def restore_run(workspace: Workspace, run_id: str) -> None:
    """Restore a run and the runs deleted together with it from the trash; do nothing if the run is not there.

    Raises:
        RunNotFound: no run has this id.
    """
    if workspace.runs.find_key(run_id) is None:
        restore_runs(workspace, get_deleted_runs(workspace, [run_id]))


def list_registered_models(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the records of registered models (name, description, tags, aliases, times), sorted by name."""
    documents = workspace.models.get_registry_data()
    for model in reversed(workspace.models.list(ModelFilter())):
        document = documents.setdefault(model.name, {})
        document.setdefault("created_at", model.created_at)
        document["modified_at"] = max(model.modified_at, document.get("modified_at", 0))
    return [
        {
            "aliases": document.get("aliases", {}),
            "created_at": document["created_at"] // MICROSECONDS_IN_MILLISECOND,
            "description": document.get("description"),
            "modified_at": document["modified_at"] // MICROSECONDS_IN_MILLISECOND,
            "name": name,
            "tags": document.get("tags", {}),
        }
        for name, document in sorted(documents.items())
    ]


def create_registered_model(workspace: Workspace, name: str) -> None:
    """Create a registered model without any versions.

    Raises:
        UsageError: the name is not valid, or there is such a model.
    """
    check_model_name(name)
    with workspace.transaction():
        if name in workspace.models.get_registry_data() or workspace.models.list(ModelFilter(name=name)):
            raise AlreadyExists(f"The model '{name}' already exists.", hint="Choose another name.", target=name)
        moment = now()
        workspace.models.set_registry_data(name, {"created_at": moment, "modified_at": moment})


def update_registered_model(
    workspace: Workspace,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    aliases: Mapping[str, int | None] | None = None,
) -> None:
    """Update a registered model's description, tags and aliases; a tag or alias with the value None is removed.

    Raises:
        ModelNotFound: there is no such model, or no such version.
    """
    with workspace.transaction():
        document = workspace.models.get_registry_data().get(name)
        versions = workspace.models.list(ModelFilter(name=name))
        if document is None and not versions:
            raise ModelNotFound(f"There is no model '{name}'.", target=name)
        missing = {version for version in (aliases or {}).values() if version is not None}
        for version in missing - {model.version for model in versions}:
            raise ModelNotFound(f"The model '{name}' has no version {version}.", target=name)
        changed = dict(document or {"created_at": versions[-1].created_at})
        for field, changes in (("tags", tags or {}), ("aliases", aliases or {})):
            merged = {**changed.get(field, {}), **changes}
            changed[field] = {key: value for key, value in merged.items() if value is not None}
        if description is not None:
            changed["description"] = description
        workspace.models.set_registry_data(name, {**changed, "modified_at": now()})
