"""Handlers of requests about pipelines: submission, runs, and published pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions import published_pipelines as published
from mlrun_cli.actions import studio_urls
from mlrun_cli.actions.pipeline_endpoints import get_endpoint
from mlrun_cli.core.problems import list_problems
from mlrun_cli.errors import MlrunError
from mlrun_cli.pipelines.graph import Graph
from mlrun_cli.pipelines.published import PublishedPipeline, check_enabled
from mlrun_cli.pipelines.validation import check_graph
from mlrun_cli.pipelines.yaml_file import read_pipeline_file
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.handlers.runs import get_run_by_full_id
from mlrun_cli.rpc.registry import handler
from mlrun_cli.runs.run import build_run_record
from mlrun_cli.submit.pipeline import PipelineRequest, submit_pipeline
from mlrun_cli.submit.pipeline_runs import (
    find_pipeline_output,
    list_pipeline_runs,
    list_step_outputs,
    publish_pipeline_from_run,
    read_run_graph,
)
from mlrun_cli.submit.published_pipeline import build_published_request, remove_unknown_values


@handler("pipelines.submit")
def submit(
    context: RequestContext,
    experiment_name: str,
    graph: Mapping[str, Any],
    parameters: Mapping[str, Any],
    environment: Mapping[str, str],
    continue_on_step_failure: bool | None = None,
    regenerate_outputs: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    properties: Mapping[str, str] | None = None,
    display_name: str | None = None,
) -> dict[str, Any]:
    """Submit a pipeline; return the record of its run as `run`, `notes`, and messages about its steps as `lines`.

    Args:
        context: the context of the request.
        experiment_name: the experiment, which is created if it does not exist.
        graph: the document of the pipeline.
        parameters: values of its parameters, keyed by name.
        environment: the variables of the client's process.
        continue_on_step_failure: whether steps that do not need a failed one go on; None leaves that to the pipeline.
        regenerate_outputs: whether every step runs, whatever there is of earlier results.
        parent_run_id: the id of the run's parent, if any.
        tags: the initial tags of the run.
        properties: the initial properties of the run.
        display_name: the name that is shown to people.
    """
    request = PipelineRequest(
        graph=Graph.from_json(graph),
        experiment_name=experiment_name,
        path=Path.cwd(),
        environment=environment,
        values=parameters,
        regenerate_outputs=regenerate_outputs,
        continue_on_step_failure=continue_on_step_failure,
        tags=tags or {},
        properties=properties or {},
        parent_run_id=parent_run_id,
        display_name=display_name,
    )
    return _submit_pipeline(context, request)


@handler("pipelines.submit_published")
def submit_published(
    context: RequestContext,
    pipeline_id: str,
    experiment_name: str,
    parameters: Mapping[str, Any],
    environment: Mapping[str, str],
    continue_on_step_failure: bool | None = None,
    regenerate_outputs: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    properties: Mapping[str, str] | None = None,
    display_name: str | None = None,
    endpoint_id: str | None = None,
) -> dict[str, Any]:
    """Submit a published pipeline, by an endpoint if `endpoint_id` names one, which must then be enabled.

    The further arguments and the result are those of `pipelines.submit`. As Azure's service does, it leaves out values
    for parameters that the pipeline does not have; a note tells so.
    """
    if endpoint_id is not None:
        check_enabled(get_endpoint(context.workspace, endpoint_id=endpoint_id))
    request = build_published_request(
        context.workspace,
        pipeline_id,
        experiment_name,
        environment,
        values=parameters,
        regenerate_outputs=regenerate_outputs,
        continue_on_step_failure=continue_on_step_failure,
        tags=tags or {},
        properties=properties or {},
        parent_run_id=parent_run_id,
        display_name=display_name,
    )
    return _submit_pipeline(context, *remove_unknown_values(request))


def _submit_pipeline(context: RequestContext, request: PipelineRequest, notes: Sequence[str] = ()) -> dict[str, Any]:
    with Interruptions() as interruptions:
        submitted = submit_pipeline(context.workspace, request, interruptions)
    url = studio_urls.build_run_url(context.workspace, submitted.run.run_id)
    return {
        "run": build_run_record(submitted.run),
        "notes": [*notes, *submitted.notes],
        "lines": [*submitted.lines, f"Link to Azure Machine Learning Portal: {url}"],
    }


@handler("pipelines.check", only_reads=True)
def list_graph_problems(context: RequestContext, graph: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 - every handler takes one
    """Return the error messages about a pipeline's graph, or an empty list if it is valid."""
    try:
        check_graph(Graph.from_json(graph))
    except MlrunError as error:
        return [problem.message for problem in list_problems(error)]
    return []


@handler("pipelines.load", only_reads=True)
def load_pipeline_file(context: RequestContext, path: str, folder: str) -> dict[str, Any]:  # noqa: ARG001
    """Return the pipeline in a YAML file as a JSON-compatible dict; relative paths are first looked up in `folder`."""
    return read_pipeline_file(Path(path), Path(folder)).graph.to_json()


@handler("pipelines.address", only_reads=True)
def get_pipelines_url(context: RequestContext) -> str:
    """Return the URL of the page that lists the published pipelines."""
    return studio_urls.build_pipelines_url(context.workspace)


# Runs


@handler("pipelines.graph", only_reads=True)
def get_graph(context: RequestContext, run_id: str) -> dict[str, Any]:
    """Return the graph of a pipeline run as a JSON-compatible dict."""
    return read_run_graph(context.workspace, get_run_by_full_id(context, run_id)).to_json()


@handler("pipelines.step_outputs", only_reads=True)
def get_step_outputs(context: RequestContext, run_id: str) -> list[dict[str, Any]]:
    """Return the name, datastore and path of each output of a step run."""
    return [place._asdict() for place in list_step_outputs(context.workspace, get_run_by_full_id(context, run_id))]


@handler("pipelines.find_output", only_reads=True)
def find_output(context: RequestContext, run_id: str, name: str) -> dict[str, Any] | None:
    """Return the datastore and path of a pipeline run's output with this name, or None if there is none yet."""
    found = find_pipeline_output(context.workspace, get_run_by_full_id(context, run_id), name)
    return None if found is None else found._asdict()


@handler("pipelines.list_runs", only_reads=True)
def list_runs(context: RequestContext, pipeline_id: str) -> list[dict[str, Any]]:
    """Return the records of the runs of a published pipeline, newest first."""
    return list(map(build_run_record, list_pipeline_runs(context.workspace, pipeline_id)))


# Published pipelines


@handler("pipelines.publish")
def publish(
    context: RequestContext,
    graph: Mapping[str, Any],
    environment: Mapping[str, str],
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    continue_on_step_failure: bool | None = None,
) -> dict[str, Any]:
    """Publish a pipeline; return its record."""
    pipeline = published.publish_pipeline(
        context.workspace,
        Graph.from_json(graph),
        environment,
        name=name,
        description=description,
        version=version,
        continue_on_step_failure=continue_on_step_failure,
    )
    return _build_record(context, pipeline)


@handler("pipelines.publish_run")
def publish_pipeline_of_run(
    context: RequestContext,
    run_id: str,
    environment: Mapping[str, str],
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    continue_on_step_failure: bool | None = None,
) -> dict[str, Any]:
    """Publish a run's pipeline with the snapshots of its steps; return the record of the published pipeline."""
    pipeline = publish_pipeline_from_run(
        context.workspace,
        get_run_by_full_id(context, run_id),
        environment,
        name=name,
        description=description,
        version=version,
        continue_on_step_failure=continue_on_step_failure,
    )
    return _build_record(context, pipeline)


@handler("pipelines.get", only_reads=True)
def get_pipeline(context: RequestContext, pipeline_id: str) -> dict[str, Any]:
    """Return the record of a published pipeline."""
    return _build_record(context, published.get_pipeline(context.workspace, pipeline_id))


@handler("pipelines.list", only_reads=True)
def list_pipelines(context: RequestContext, active_only: bool = True) -> list[dict[str, Any]]:
    """Return the records of the published pipelines, newest first."""
    found = published.list_pipelines(context.workspace, active_only=active_only)
    return [_build_record(context, pipeline) for pipeline in found]


@handler("pipelines.set_status")
def set_status(context: RequestContext, pipeline_id: str, status: str) -> dict[str, Any]:
    """Enable or disable a published pipeline; return its record."""
    return _build_record(context, published.set_pipeline_status(context.workspace, pipeline_id, status))


@handler("pipelines.published_graph", only_reads=True)
def get_published_graph(context: RequestContext, pipeline_id: str) -> dict[str, Any]:
    """Return the graph of a published pipeline as a JSON-compatible dict."""
    return published.read_published_graph(context.workspace, pipeline_id).to_json()


def _build_record(context: RequestContext, pipeline: PublishedPipeline) -> dict[str, Any]:
    return {
        **pipeline.build_record(),
        "endpoint": studio_urls.build_pipeline_submit_url(context.workspace, pipeline.pipeline_id),
        "portalUrl": studio_urls.build_published_pipeline_url(context.workspace, pipeline.pipeline_id),
    }
