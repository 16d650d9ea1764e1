"""Runs of pipelines: their graphs, the locations of their outputs, and the publication of their pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.actions.published_pipelines import get_pipeline, publish_pipeline
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import StoredFilesLost, UsageError
from mlrun_cli.pipelines.data_flow import locate_output
from mlrun_cli.pipelines.graph import Graph, Step
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.pipelines.published import PublishedPipeline
from mlrun_cli.pipelines.run_types import NODE_PROPERTY, PIPELINE_ID_PROPERTY, PIPELINE_RUN
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.submit.pipeline_reuse import get_origin_id
from mlrun_cli.submit.template import get_submission_file
from mlrun_cli.workspace import Workspace


class WrittenOutput(NamedTuple):
    """An output of a step run: its name, its datastore and its path in it."""

    name: str
    datastore: str
    path: str


def read_run_graph(workspace: Workspace, run: Run) -> Graph:
    """Return the graph of a pipeline run, without secrets.

    Raises:
        UsageError: the run is not a pipeline's.
        StoredFilesLost: the file of the graph is gone or damaged.
    """
    if run.run_type != PIPELINE_RUN:
        raise UsageError(
            f"The run '{run.run_id}' is not the run of a pipeline.",
            hint="Name the run above its steps.",
            target=run.run_id,
        )
    return read_pipeline_plan(workspace.get_run_folder(run.run_id)).graph


def list_step_outputs(workspace: Workspace, run: Run) -> list[WrittenOutput]:
    """Return the outputs of a step run; those of a reused step are the outputs of the earlier run.

    Raises:
        UsageError: the run is not that of a step.
        StoredFilesLost: the file of the pipeline's graph is gone or damaged.
    """
    key = run.properties.get(NODE_PROPERTY)
    if key is None or run.parent_run_id is None:
        raise UsageError(f"The run '{run.run_id}' is not the run of a pipeline's step.", target=run.run_id)
    graph = read_run_graph(workspace, workspace.runs.get(run.parent_run_id))
    step = graph.find_step(key)
    return [] if step is None else _list_written_outputs(workspace, graph, step, run)


def _list_written_outputs(workspace: Workspace, graph: Graph, step: Step, run: Run) -> list[WrittenOutput]:
    found = []
    for name, output in step.outputs.items():
        place = locate_output(graph, get_origin_id(run), name, output)
        datastore = place.datastore or get_datastore(workspace, None).name
        found.append(WrittenOutput(name, datastore, place.path))
    return found


def find_pipeline_output(workspace: Workspace, run: Run, name: str) -> WrittenOutput | None:
    """Return the pipeline output with this name, or None if there is none or its step has not started."""
    graph = read_run_graph(workspace, run)
    for step in graph.steps:
        for key, output in step.outputs.items():
            if output.pipeline_output_name == name:
                found = [child for child in list_step_runs(workspace, run) if _belongs_to_step(child, step)]
                places = _list_written_outputs(workspace, graph, step, found[0]) if found else []
                return next((place for place in places if place.name == key), None)
    return None


def list_step_runs(workspace: Workspace, run: Run) -> Sequence[Run]:
    """Return the step runs of a pipeline run that have been started, newest first."""
    return workspace.runs.list(RunFilter(parent_run_id=run.run_id))


def _belongs_to_step(run: Run, step: Step) -> bool:
    return run.properties.get(NODE_PROPERTY) == step.key


def list_pipeline_runs(workspace: Workspace, pipeline_id: str, *, limit: int | None = None) -> Sequence[Run]:
    """Return the runs of a published pipeline, newest first, at most `limit` of them.

    Raises:
        PipelineNotFound: there is no such pipeline.
    """
    get_pipeline(workspace, pipeline_id)
    wanted = TagFilter(PIPELINE_ID_PROPERTY, pipeline_id)
    return workspace.runs.list(
        RunFilter(run_type=PIPELINE_RUN, properties=(wanted,), include_children=True, last=limit)
    )


def publish_pipeline_from_run(
    workspace: Workspace, run: Run, environ: Mapping[str, str], **options: Any
) -> PublishedPipeline:
    """Publish a run's pipeline with the snapshots of its steps; `options` are passed to `publish_pipeline`.

    Raises:
        UsageError: the run is not a pipeline's, or its pipeline had secrets, which are not kept.
        StoredFilesLost: a file of the run or a snapshot is gone.
    """
    graph = read_run_graph(workspace, run)
    if REDACTED in json.dumps(graph.to_json()):
        raise UsageError(
            f"The pipeline of the run '{run.run_id}' has secrets in its settings, which are not kept with the run.",
            hint="Publish the pipeline itself: pipeline.publish(name), or 'mlrun pipeline create'.",
            target=run.run_id,
        )
    return publish_pipeline(
        workspace,
        graph,
        environ,
        find_snapshot=lambda step: read_step_snapshot(workspace, run, step),
        **options,
    )


def read_step_snapshot(workspace: Workspace, run: Run, step: Step) -> Snapshot:
    """Return the snapshot that a step of a pipeline run was submitted with.

    Raises:
        StoredFilesLost: the file that names it, or the snapshot, is gone or damaged.
    """
    folder = workspace.get_run_folder(run.run_id).steps / step.key
    document = read_json(get_submission_file(folder))
    if document is None:
        raise StoredFilesLost(f"The file {get_submission_file(folder)} is gone or damaged.")
    snapshot_id = Submission.from_json(document).snapshot_id
    return SnapshotStore(workspace.snapshots_folder).read_manifest(snapshot_id)
