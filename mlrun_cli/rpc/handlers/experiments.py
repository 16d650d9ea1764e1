"""Handlers of requests about experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions import experiments as actions
from mlrun_cli.actions import studio_urls
from mlrun_cli.errors import ExperimentNotFound
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler


@handler("experiments.make", only_reads=True)
def get_or_create_experiment(context: RequestContext, name: str) -> dict[str, Any]:
    """Return the record of an experiment, creating the experiment if it does not exist."""
    try:
        return actions.get_experiment(context.workspace, name)
    except ExperimentNotFound:
        with context.select_workspace(context.identity):
            return actions.get_or_create_experiment(context.workspace, name)


@handler("experiments.get", only_reads=True)
def get_experiment(context: RequestContext, name: str) -> dict[str, Any]:
    """Return the record of an existing experiment."""
    return actions.get_experiment(context.workspace, name)


@handler("experiments.address", only_reads=True)
def get_page_url(context: RequestContext, name: str) -> str:
    """Return the URL of an experiment's page."""
    return studio_urls.build_experiment_url(context.workspace, name)


@handler("experiments.list", only_reads=True)
def list_experiments(context: RequestContext) -> Sequence[dict[str, Any]]:
    """Return the records of all experiments, sorted by name."""
    return actions.list_experiments(context.workspace)


@handler("experiments.update_tags")
def update_tags(
    context: RequestContext, name: str, tags: Mapping[str, str | None] | None = None, removed: Sequence[str] = ()
) -> dict[str, Any]:
    """Set and remove tags of an experiment; return its record."""
    return actions.update_experiment_tags(context.workspace, name, tags or {}, removed)


@handler("experiments.archive")
def archive_experiment(context: RequestContext, name: str) -> dict[str, Any]:
    """Archive an experiment; return its record."""
    return actions.set_experiment_archived(context.workspace, name, is_archived=True, new_name=None)


@handler("experiments.reactivate")
def reactivate_experiment(context: RequestContext, name: str, new_name: str | None = None) -> dict[str, Any]:
    """Reactivate an archived experiment; return its record."""
    return actions.set_experiment_archived(context.workspace, name, is_archived=False, new_name=new_name)


@handler("experiments.delete")
def delete_experiment(context: RequestContext, experiment_id: str) -> None:
    """Delete an experiment that has no runs."""
    actions.delete_experiment(context.workspace, experiment_id)
