"""Handlers of requests of MLflow's clients, which the SDK's tracking and registry stores make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions import artifacts
from mlrun_cli.actions import models as model_actions
from mlrun_cli.actions import tracking as actions
from mlrun_cli.models.model import ModelFilter
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.handlers.runs import get_run_by_full_id
from mlrun_cli.rpc.registry import handler


@handler("tracking.run", only_reads=True)
def get_run(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the record of a run, which may be in the trash."""
    return actions.get_tracking_record(context.workspace, run_id)


@handler("tracking.runs", only_reads=True)
def list_runs(
    context: RequestContext, experiment_names: Sequence[str], limit: int, before: int | None = None
) -> dict[str, Any]:
    """Return a page of the experiments' runs in MLflow's order, and, as `next`, the `before` argument of the next."""
    runs, following = actions.list_tracking_records(context.workspace, experiment_names, limit, before)
    return {"runs": runs, "next": following}


@handler("tracking.deleted_runs", only_reads=True)
def list_deleted_runs(context: RequestContext, experiment_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the records of the deleted runs of the given experiments."""
    return actions.list_deleted_records(context.workspace, experiment_names)


@handler("tracking.metric_history", only_reads=True)
def read_metric_history(
    context: RequestContext, run_id: str, name: str, after: int = 0, limit: int | None = None
) -> dict[str, Any]:
    """Return a page of a metric's values, with timestamps and steps, and, as `next`, the `after` of the next page."""
    points, following = actions.read_metric_history(context.workspace, run_id, name, after, limit)
    return {"points": points, "next": following}


@handler("tracking.set_times")
def set_times(context: RequestContext, run_id: str, started_at: int | None = None, ended_at: int | None = None) -> None:
    """Set the start or the end, in milliseconds, of a run that a client of MLflow has created."""
    actions.set_run_times(context.workspace, get_run_by_full_id(context, run_id), started_at, ended_at)


@handler("tracking.delete_run")
def delete_run(context: RequestContext, run_id: str) -> None:
    """Move an ended run to the trash."""
    actions.delete_run(context.workspace, get_run_by_full_id(context, run_id))


@handler("tracking.restore_run")
def restore_run(context: RequestContext, run_id: str) -> None:
    """Restore a run from the trash."""
    actions.restore_run(context.workspace, run_id)


@handler("tracking.files", only_reads=True)
def get_file_sizes(context: RequestContext, run_id: str) -> dict[str, int]:
    """Return the sizes of a run's files in bytes, keyed by name."""
    return artifacts.get_file_sizes(context.workspace, get_run_by_full_id(context, run_id))


@handler("tracking.registered_models", only_reads=True)
def list_registered_models(context: RequestContext) -> list[dict[str, Any]]:
    """Return the records of registered models: name, description, tags, aliases and times."""
    return actions.list_registered_models(context.workspace)


@handler("tracking.create_registered_model")
def create_registered_model(context: RequestContext, name: str) -> None:
    """Create a registered model without any versions."""
    actions.create_registered_model(context.workspace, name)


@handler("tracking.update_registered_model")
def update_registered_model(
    context: RequestContext,
    name: str,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    aliases: Mapping[str, int | None] | None = None,
) -> None:
    """Update a registered model's description, tags and aliases; a tag or alias with the value null is removed."""
    actions.update_registered_model(context.workspace, name, description=description, tags=tags, aliases=aliases)


@handler("tracking.delete_registered_model")
def delete_registered_model(context: RequestContext, name: str) -> None:
    """Delete a registered model and all of its versions."""
    workspace = context.workspace
    for model in model_actions.list_models(workspace, ModelFilter(name=name)):
        model_actions.delete_model(workspace, model)
    with workspace.transaction():
        workspace.models.set_registry_data(name, None)
