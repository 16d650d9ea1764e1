"""The submit of published pipelines, at once and for the time of a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions.pipeline_endpoints import get_endpoint
from mlrun_cli.actions.published_pipelines import (
    get_pipeline,
    get_pipeline_folder,
    read_published_graph,
    read_publisher_variables,
)
from mlrun_cli.actions.schedule_secrets import restore_secrets
from mlrun_cli.actions.schedules import check_settings_are_readable, get_schedule, get_scheduled_pipeline_id
from mlrun_cli.core.time import now
from mlrun_cli.errors import InvalidValue, StoredFilesLost
from mlrun_cli.pipelines.expressions import ExpressionContext
from mlrun_cli.pipelines.parameter_values import resolve_expressions
from mlrun_cli.pipelines.published import check_enabled
from mlrun_cli.pipelines.run_types import PIPELINE_ID_PROPERTY, PIPELINE_RUN
from mlrun_cli.pipelines.schedule import ScheduledRun
from mlrun_cli.pipelines.validation import build_name_hint
from mlrun_cli.processes.host import get_user_name
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.submit.pipeline import PipelineRequest, SubmittedPipeline, submit_pipeline
from mlrun_cli.workspace import Workspace

SCHEDULE_ID_PROPERTY = "azureml.scheduleid"


def build_published_request(
    workspace: Workspace, pipeline_id: str, experiment_name: str, environ: Mapping[str, str], **options: Any
) -> PipelineRequest:
    """Return the request to submit a published pipeline; `options` are further fields of the request.

    Raises:
        PipelineNotFound: there is no such pipeline.
        UsageError: it is disabled.
        StoredFilesLost: a file or folder of it is gone or damaged.
    """
    pipeline = get_pipeline(workspace, pipeline_id)
    check_enabled(pipeline)
    graph = read_published_graph(workspace, pipeline_id)
    for step in graph.steps:
        if not Path(step.source_directory).is_dir():
            raise StoredFilesLost(
                f"The folder {step.source_directory} of the published pipeline '{pipeline.name}' is gone.",
                hint="Publish the pipeline again.",
                target=pipeline_id,
            )
    properties = {PIPELINE_ID_PROPERTY: pipeline_id, **options.pop("properties", {})}
    return PipelineRequest(
        graph=graph,
        experiment_name=experiment_name,
        path=get_pipeline_folder(workspace, pipeline_id),
        environment=environ,
        properties=properties,
        **options,
    )


def remove_unknown_values(request: PipelineRequest) -> tuple[PipelineRequest, list[str]]:
    """Return the request without values for parameters that its pipeline does not have, and a note about each.

    Azure's service leaves them out, too.
    """
    known = request.graph.parameters
    notes = [
        f"The pipeline has no parameter '{name}', so its value is left out. {build_name_hint(name, known)}"
        for name in request.values
        if name not in known
    ]
    values = {name: value for name, value in request.values.items() if name in known}
    return request._replace(values=values), notes


def submit_scheduled_run(workspace: Workspace, run: ScheduledRun) -> SubmittedPipeline:
    """Submit the pipeline of a scheduled run under the run's id, unless a run with that id exists.

    Raises:
        UsageError: the pipeline or its endpoint is disabled, or a value is not valid any more.
        MlrunError: the pipeline cannot be submitted.
    """
    schedule = get_schedule(workspace, run.schedule_id)
    check_settings_are_readable(schedule)
    if run.parameters is None:
        raise InvalidValue("The values that the schedule has recorded for this time cannot be read.")
    settings = restore_secrets(workspace, schedule.settings)
    if settings.endpoint_id is not None:
        check_enabled(get_endpoint(workspace, endpoint_id=settings.endpoint_id))
    pipeline_id = get_scheduled_pipeline_id(workspace, settings)
    request = build_published_request(
        workspace,
        pipeline_id,
        settings.experiment_name,
        read_publisher_variables(workspace, pipeline_id),
        run_id=run.run_id,
        values={**settings.parameters, **run.parameters},
        continue_on_step_failure=settings.continue_on_step_failure,
        properties={SCHEDULE_ID_PROPERTY: schedule.schedule_id, "azureml.runsource": PIPELINE_RUN},
    )
    context = ExpressionContext(run.due_at, now(), run.run_id, get_user_name())
    request = request._replace(values=resolve_expressions(request.graph, request.values, context))
    with Interruptions() as interruptions:
        return submit_pipeline(workspace, request, interruptions)
