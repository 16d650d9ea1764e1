"""Publish pipelines: store their graphs with copies of their source folders; list, enable and disable them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.actions.id_prefixes import resolve_id_prefix
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.names import check_title
from mlrun_cli.core.time import now
from mlrun_cli.errors import InvalidValue, PipelineNotFound, StoredFilesLost
from mlrun_cli.pipelines.graph import Graph, Step
from mlrun_cli.pipelines.published import ACTIVE, STATUSES, PublishedPipeline
from mlrun_cli.pipelines.redaction import find_secret_parameters, redact_graph
from mlrun_cli.pipelines.validation import check_graph
from mlrun_cli.processes.host import get_user_name
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.snapshots.working_copy import create_working_copy
from mlrun_cli.workspace import Workspace

_GRAPH = "pipeline.json"
_ENVIRONMENT = "environment.json"
_SOURCES = "sources"


def get_pipeline_folder(workspace: Workspace, pipeline_id: str) -> Path:
    """Return the folder with the graph, the variables and the source folders of a published pipeline."""
    return workspace.folder / "pipelines" / pipeline_id


def publish_pipeline(
    workspace: Workspace,
    graph: Graph,
    environ: Mapping[str, str],
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    continue_on_step_failure: bool | None = None,
    find_snapshot: Callable[[Step], Snapshot] | None = None,
) -> PublishedPipeline:
    """Store a pipeline with copies of its source folders and runconfigs; return the published pipeline.

    Args:
        workspace: the workspace of the pipeline.
        graph: the pipeline.
        environ: the publisher's variables, which scheduled runs get.
        name: the name; None means that of the graph, else of its first step.
        description: a text that replaces that of the graph.
        version: a text that replaces that of the graph.
        continue_on_step_failure: whether steps that do not need a failed step go on; None means as in the graph.
        find_snapshot: returns the snapshot of a step's source folder; None means that it is taken now.

    Raises:
        UsageError: the graph is not valid, or a source folder does not exist or is too large.
        StoreError: a file cannot be stored.
    """
    check_graph(graph)
    if continue_on_step_failure is not None:
        graph = graph._replace(continue_on_step_failure=continue_on_step_failure)
    pipeline = PublishedPipeline(
        pipeline_id=generate_guid(),
        name=check_title("the name of the pipeline", (graph.name or graph.steps[0].name) if name is None else name),
        description=description if description is not None else graph.description,
        version=version if version is not None else graph.version,
        status=ACTIVE,
        continue_on_step_failure=graph.continue_on_step_failure,
        step_count=len(graph.steps),
        author=get_user_name(),
        created_at=now(),
    )
    folder = get_pipeline_folder(workspace, pipeline.pipeline_id)
    make_private_folder(folder)
    try:
        kept = _copy_sources(workspace, graph, folder / _SOURCES, find_snapshot)
        write_json(folder / _GRAPH, kept._replace(name=pipeline.name).to_json(), durable=True)
        write_json(folder / _ENVIRONMENT, environ, durable=True)
        with workspace.transaction(durable=True):
            workspace.published_pipelines.add(pipeline)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(folder)
        raise
    return pipeline


def _copy_sources(
    workspace: Workspace, graph: Graph, folder: Path, find_snapshot: Callable[[Step], Snapshot] | None
) -> Graph:
    """Copy the source folders of a graph; return the graph with these copies, and with its runconfig files inlined."""
    store = SnapshotStore(workspace.snapshots_folder)
    limits = SnapshotLimits.from_environment(os.environ)
    copies: dict[str, str] = {}
    steps = []
    with prevent_pruning(workspace.snapshots_folder):
        for step in graph.steps:
            source = Path(step.source_directory)
            key = step.source_directory if find_snapshot is None else step.key
            if key not in copies:
                if find_snapshot is None:
                    snapshot = take_snapshot(source, store, limits=limits, exclude=[workspace.home])[0]
                else:
                    snapshot = find_snapshot(step)
                copy = folder / str(len(copies)) / (source.name or "source")
                create_working_copy(snapshot, store, copy)
                copies[key] = str(copy)
            steps.append(_inline_runconfig(step._replace(source_directory=copies[key])))
    return graph._replace(steps=tuple(steps))


def _inline_runconfig(step: Step) -> Step:
    """Return a step with the content of its runconfig file instead of the file's path."""
    if step.runconfig_file is None:
        return step
    from mlrun_cli.runconfigs.writing import read_plain_runconfig  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return step._replace(runconfig=read_plain_runconfig(Path(step.runconfig_file)), runconfig_file=None)


def get_pipeline(workspace: Workspace, pipeline_id: str) -> PublishedPipeline:
    """Return the published pipeline with this id.

    Raises:
        PipelineNotFound: there is none.
    """
    found = workspace.published_pipelines.find(pipeline_id)
    if found is None:
        raise PipelineNotFound(pipeline_id)
    return found


def resolve_pipeline_id(workspace: Workspace, id_or_prefix: str) -> str:
    """Return the id of the published pipeline with this id, or with the only id that starts with this prefix.

    Raises:
        PipelineNotFound: there is none.
        AmbiguousId: several ids have this prefix.
    """
    found = resolve_id_prefix(id_or_prefix, workspace.published_pipelines.list_ids(id_or_prefix), "published pipelines")
    if found is None:
        raise PipelineNotFound(id_or_prefix)
    return found


def list_pipelines(workspace: Workspace, *, active_only: bool = True) -> Sequence[PublishedPipeline]:
    """Return the published pipelines, newest first."""
    return workspace.published_pipelines.list(active_only=active_only)


def read_published_graph(workspace: Workspace, pipeline_id: str) -> Graph:
    """Return the graph of a published pipeline; its source folders are the copies made when it was published.

    Raises:
        PipelineNotFound: there is none.
        StoredFilesLost: its file is gone or damaged.
    """
    get_pipeline(workspace, pipeline_id)
    return Graph.from_json(_read_document(workspace, pipeline_id, _GRAPH))


def describe_graph(workspace: Workspace, pipeline_id: str) -> dict[str, Any]:
    """Return a JSON-compatible dict of a published pipeline's parameters, keyed by name, and steps, without secrets.

    Raises:
        PipelineNotFound: there is none.
        StoredFilesLost: its file is gone or damaged.
    """
    graph = read_published_graph(workspace, pipeline_id)
    values = {name: "" if one.default is None else one.default for name, one in graph.parameters.items()}
    graph = redact_graph(graph, find_secret_parameters(graph, values, workspace.redactor), workspace.redactor)
    names = {step.key: step.name for step in graph.steps}
    return {
        "parameters": {name: parameter.to_json() for name, parameter in graph.parameters.items()},
        "steps": [
            {
                "name": step.name,
                "type": step.kind,
                "script": step.script,
                "after": [names[key] for key in step.list_upstream_keys()],
            }
            for step in graph.steps
        ],
    }


def read_publisher_variables(workspace: Workspace, pipeline_id: str) -> Mapping[str, str]:
    """Return the environment variables of the process that published a pipeline.

    Raises:
        StoredFilesLost: the file is gone or damaged.
    """
    return _read_document(workspace, pipeline_id, _ENVIRONMENT)


def _read_document(workspace: Workspace, pipeline_id: str, name: str) -> dict[str, Any]:
    """Return the JSON object in a file of a published pipeline; raise if the file is lost."""
    path = get_pipeline_folder(workspace, pipeline_id) / name
    document = read_json(path)
    if document is None:
        name = get_pipeline(workspace, pipeline_id).name
        raise StoredFilesLost(
            f"The file {path} of the published pipeline '{name}' is gone or damaged.",
            hint="Publish the pipeline again.",
            target=pipeline_id,
        )
    return document


def set_pipeline_status(workspace: Workspace, pipeline_id: str, status: str) -> PublishedPipeline:
    """Set the status of a published pipeline, to enable or disable it; return the pipeline.

    Raises:
        PipelineNotFound: there is none.
        InvalidValue: there is no such status.
    """
    get_pipeline(workspace, pipeline_id)
    check_status(status)
    with workspace.transaction():
        workspace.published_pipelines.set_status(pipeline_id, status)
    return get_pipeline(workspace, pipeline_id)


def check_status(status: str) -> None:
    """Raise InvalidValue unless the status is Active or Disabled."""
    if status not in STATUSES:
        raise InvalidValue(f"The status is {' or '.join(STATUSES)}, not '{status}'.", target=status)
