"""URLs of studio pages for printed and stored records, without the access token."""

from __future__ import annotations

from typing import Any

from mlrun_cli.actions.parameters import get_parameters
from mlrun_cli.runs.resources import read_resources
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.serving.urls import ApiUrls, WorkspaceUrls
from mlrun_cli.workspace import Workspace


def build_run_url(workspace: Workspace, run_id: str) -> str:
    """Return the URL of a run's page, which works while the studio is running."""
    return _get_workspace_urls(workspace).run(run_id)


def build_experiment_url(workspace: Workspace, name: str) -> str:
    """Return the URL of an experiment's page, which works while the studio is running."""
    return _get_workspace_urls(workspace).experiment(name)


def build_pipelines_url(workspace: Workspace) -> str:
    """Return the URL of the list of published pipelines, which works while the studio is running."""
    return _get_workspace_urls(workspace).pipelines()


def build_published_pipeline_url(workspace: Workspace, pipeline_id: str) -> str:
    """Return the URL of a published pipeline's page, which works while the studio is running."""
    return _get_workspace_urls(workspace).pipelines(pipeline_id)


def build_pipeline_submit_url(workspace: Workspace, pipeline_id: str) -> str:
    """Return the URL to which programs post submissions of a published pipeline while the studio is running."""
    return _get_api_urls(workspace).pipeline_submit(pipeline_id)


def build_endpoint_submit_url(workspace: Workspace, endpoint_id: str) -> str:
    """Return the URL to which programs post submissions of a pipeline endpoint while the studio is running."""
    return _get_api_urls(workspace).endpoint_submit(endpoint_id)


def build_run_show_record(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Return the record of a run for `run show`, with parameters, used resources and `web_view`, its page's URL."""
    resources = read_resources(workspace.get_run_folder(run.run_id))
    return {
        **build_run_record(run),
        "parameters": get_parameters(workspace, run),
        **({} if resources is None else {"resources": resources.to_record()}),
        "web_view": build_run_url(workspace, run.run_id),
    }


def _get_workspace_urls(workspace: Workspace) -> WorkspaceUrls:
    return WorkspaceUrls(_get_studio_folder(workspace).get_url(), *workspace.identity)


def _get_api_urls(workspace: Workspace) -> ApiUrls:
    return ApiUrls(WorkspaceUrls(_get_studio_folder(workspace).get_api_url(), *workspace.identity))


def _get_studio_folder(workspace: Workspace) -> StudioFolder:
    return StudioFolder(workspace.home, creates=not workspace.is_used_elsewhere)
