"""The YAML files of published pipelines and of pipelines that have run, with copies of their sources if wanted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from mlrun_cli.actions.published_pipelines import read_published_graph
from mlrun_cli.core.atomic_files import open_atomically
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, StoredFilesLost
from mlrun_cli.pipelines.graph import Graph, Step
from mlrun_cli.pipelines.yaml_writer import format_pipeline
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.snapshots.working_copy import create_working_copy
from mlrun_cli.submit.pipeline_runs import read_run_graph, read_step_snapshot
from mlrun_cli.workspace import Workspace

_Copy = Callable[[Step, Path], None]


def write_published_pipeline(
    workspace: Workspace, pipeline_id: str, file: Path, sources: Path | None, *, overwrite: bool
) -> list[str]:
    """Write a published pipeline as a YAML file; return notes about the file.

    Args:
        workspace: the workspace of the pipeline.
        pipeline_id: its id.
        file: the file to write.
        sources: the new folder for copies of the source folders; None means that the file names the stored copies.
        overwrite: whether a file with other content may be replaced.

    Raises:
        PipelineNotFound: there is no such pipeline.
        StoredFilesLost: a file or folder of it is gone or damaged.
        FileAlreadyExists: the file has other content, or the folder has files.
        FileNotWritable: one of them cannot be written.
    """
    graph = read_published_graph(workspace, pipeline_id)
    notes = []
    if sources is None:
        notes.append(
            "The source folders that the file names belong to the published pipeline: leave them as they are. "
            "With --sources FOLDER, you get copies of your own."
        )
    else:
        graph = _copy_sources(graph, sources, lambda step: step.source_directory, _copy_folder)
    _write_pipeline_file(
        graph, file, overwrite=overwrite, mode=0o600
    )  # it may hold secrets, as the published pipeline does
    return notes


def write_pipeline_of_run(
    workspace: Workspace, run: Run, file: Path, sources: Path | None, *, overwrite: bool
) -> list[str]:
    """Write a run's pipeline as a YAML file that refers to its source folders or copies of them; return notes.

    Args:
        workspace: the workspace of the run.
        run: the pipeline run.
        file: the file to write.
        sources: the new folder for copies of the snapshots that the steps ran with; None means that the file names the
            folders that they were taken of.
        overwrite: whether a file with other content may be replaced.

    Raises:
        UsageError: the run is not a pipeline's.
        StoredFilesLost: a file of it or a snapshot is gone or damaged.
        FileAlreadyExists: the file has other content, or the folder has files.
        FileNotWritable: one of them cannot be written.
    """
    graph = read_run_graph(workspace, run)
    if sources is not None:
        store = SnapshotStore(workspace.snapshots_folder)
        with prevent_pruning(workspace.snapshots_folder):
            snapshots = {step.key: read_step_snapshot(workspace, run, step) for step in graph.steps}
            graph = _copy_sources(
                graph,
                sources,
                lambda step: snapshots[step.key].snapshot_id,
                lambda step, folder: create_working_copy(snapshots[step.key], store, folder),
            )
    _write_pipeline_file(graph, file, overwrite=overwrite)
    return list(_list_notes(graph))


def _list_notes(graph: Graph) -> list[str]:
    """Return notes about redacted secrets, and about missing folders and runconfigs of the steps."""
    notes = []
    if REDACTED in json.dumps(graph.to_json()):
        notes.append(f"The pipeline had secrets, which are not kept with a run: write them where '{REDACTED}' stands.")
    notes += [
        f"The folder {folder} is gone; --sources FOLDER writes the files that the steps ran with."
        for folder in dict.fromkeys(step.source_directory for step in graph.steps)
        if not Path(folder).is_dir()
    ]
    notes += [
        f"The runconfig of step '{step.name}' is gone: {step.runconfig_file}."
        for step in graph.steps
        if step.runconfig_file is not None and not Path(step.runconfig_file).is_file()
    ]
    return notes


def _copy_sources(graph: Graph, folder: Path, identify: Callable[[Step], str], copy_folder: _Copy) -> Graph:
    """Copy the source folders of a graph's steps to a new or empty folder, once per id; return the changed graph."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileAlreadyExists(f"The folder '{folder}' is not empty.", hint="Name a new one.", target=folder)
    except OSError as error:
        raise FileNotWritable(folder, error, hint="Name a folder that you may write to.") from error
    copies: dict[str, str] = {}
    steps = []
    for step in graph.steps:
        source = identify(step)
        if source not in copies:
            place = Path(os.path.abspath(folder)) / (Path(step.source_directory).name or "source")
            while str(place) in copies.values():
                place = place.with_name(f"{place.name}_")
            copy_folder(step, place)
            copies[source] = str(place)
        steps.append(step._replace(source_directory=copies[source]))
    return graph._replace(steps=tuple(steps))


def _copy_folder(step: Step, folder: Path) -> None:
    if not Path(step.source_directory).is_dir():
        raise StoredFilesLost(f"The folder {step.source_directory} is gone.", hint="Publish the pipeline again.")
    try:
        shutil.copytree(step.source_directory, folder, symlinks=True)
    except OSError as error:
        reason = error if error.strerror else "its files cannot be copied"  # copytree's own error has a list
        raise FileNotWritable(folder, reason, hint="Name a folder that you may write to.") from error


def _write_pipeline_file(graph: Graph, file: Path, *, overwrite: bool, mode: int = 0o666) -> None:
    place = Path(os.path.abspath(file))
    data = format_pipeline(graph, place.parent).encode()
    is_same = place.is_file() and place.read_bytes() == data
    with open_atomically(file, overwrite=overwrite or is_same, mode=mode) as opened:
        opened.write(data)
