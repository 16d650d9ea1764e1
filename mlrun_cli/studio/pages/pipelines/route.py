"""The routes of the list and the pages of published pipelines, and of their submission by programs."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from mlrun_cli.actions.pipeline_endpoints import get_endpoint, list_endpoints
from mlrun_cli.actions.published_pipelines import (
    describe_graph,
    get_pipeline,
    list_pipelines,
    read_published_graph,
)
from mlrun_cli.actions.schedules import find_schedule_problem, list_schedules
from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.pipelines.published import PipelineEndpoint, check_enabled
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pipeline_graph.view import build_graph_view
from mlrun_cli.submit.pipeline_runs import list_pipeline_runs
from mlrun_cli.submit.posted_pipeline import submit_posted_pipeline
from mlrun_cli.workspace import Workspace

_MAX_RUNS = 50


def show(page: PageRequest) -> Response:
    """Show all published pipelines with their schedules, newest first."""
    found = [
        (pipeline, list_schedules(page.workspace, pipeline_id=pipeline.pipeline_id))
        for pipeline in list_pipelines(page.workspace, active_only=False)
    ]
    return page.render("pages/pipelines/template.html", pipelines=found)


def show_pipeline(page: PageRequest) -> Response:
    """Show the graph, the schedules and the newest runs of a published pipeline."""
    pipeline = get_pipeline(page.workspace, page.get_path_parameter("pipeline_id"))
    schedules = list_schedules(page.workspace, active_only=False, pipeline_id=pipeline.pipeline_id)
    view, parameters, problem = None, {}, ""
    try:
        parameters = describe_graph(page.workspace, pipeline.pipeline_id)["parameters"]
        view = build_graph_view(read_published_graph(page.workspace, pipeline.pipeline_id), [])
    except StoredFilesLost as error:
        problem = error.one_line
    return page.render(
        "pages/pipelines/pipeline.html",
        pipeline=pipeline,
        view=view,
        parameters=parameters,
        endpoints=_list_endpoint_versions(page.workspace, pipeline.pipeline_id),
        problem=problem,
        schedules=[(schedule, find_schedule_problem(page.workspace, schedule) or "") for schedule in schedules],
        runs=list_pipeline_runs(page.workspace, pipeline.pipeline_id, limit=_MAX_RUNS),
        topic=page.build_topic("runs"),
    )


def _list_endpoint_versions(workspace: Workspace, pipeline_id: str) -> list[tuple[PipelineEndpoint, str]]:
    """Return the endpoints that have this pipeline, each with a description of its versions in it."""
    found = []
    for endpoint in list_endpoints(workspace, active_only=False):
        versions = [version for version, one in enumerate(endpoint.pipeline_ids) if one == pipeline_id]
        words = [
            f"{version} (default)" if version == endpoint.default_version else str(version) for version in versions
        ]
        if words:
            found.append((endpoint, f"version {', '.join(words)}"))
    return found


def submit_pipeline(page: PageRequest, document: dict[str, Any]) -> Response:
    """Submit a published pipeline with the values in a posted JSON object, and respond with the run's id."""
    return JSONResponse(submit_posted_pipeline(page.workspace, page.get_path_parameter("pipeline_id"), document))


def submit_pipeline_endpoint(page: PageRequest, document: dict[str, Any]) -> Response:
    """Submit the default version of a pipeline endpoint like `submit_pipeline`, and respond with the run's id."""
    endpoint = get_endpoint(page.workspace, endpoint_id=page.get_path_parameter("endpoint_id"))
    check_enabled(endpoint)
    pipeline_id = endpoint.pipeline_ids[endpoint.default_version]
    return JSONResponse(submit_posted_pipeline(page.workspace, pipeline_id, document))
