"""The outputs of a completed step, which are moved to the places where the next steps read them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.actions.datasets import register_dataset, save_dataset
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import write_json
from mlrun_cli.data.dataset import FILE_KIND
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.pipelines.data_flow import OutputLocation, locate_output
from mlrun_cli.pipelines.graph import FILE_DATASET, Graph, Output, Registration, Step
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.pipelines.run_types import NODE_PROPERTY, PIPELINE_RUN_PROPERTY
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

_FULL = {errno.ENOSPC, errno.EDQUOT}
_RECORD = "outputs.json"
"""The file of a step in its pipeline run that says that the outputs of the step are stored."""


class OutputsNotKept(MlrunError):
    """The outputs of a completed step cannot be moved to their destinations."""


def keep_outputs(workspace: Workspace, run: Run, write_results: Callable[[Graph, Step], None] | None = None) -> None:
    """Store the outputs of a step run whose script has succeeded, unless that is done; may be called again.

    Args:
        workspace: the workspace of the run.
        run: the step run.
        write_results: called first; writes outputs that no script writes.

    Raises:
        OutputsNotKept: a file cannot be moved, or a dataset cannot be registered.
        StoredFilesLost: the plan of the pipeline is gone or damaged.
        StoreError: the store cannot be used.
        OSError: the disk is full.
    """
    properties = workspace.runs.get_properties(run.key)
    folder, key = workspace.get_run_folder(properties[PIPELINE_RUN_PROPERTY]), properties[NODE_PROPERTY]
    graph = read_pipeline_plan(folder).graph
    step = graph.find_step(key)
    record = folder.steps / key / _RECORD
    if step is None or not step.outputs or record.exists():
        return
    if write_results is not None:
        write_results(graph, step)
    for output_key, output in step.outputs.items():
        with explain_failure(output_key):
            place = locate_output(graph, run.run_id, output_key, output)
            _store_output(workspace, run.run_id, output_key, output, place)
    write_json(record, {}, durable=True)


@contextmanager
def explain_failure(output_key: str) -> Iterator[None]:
    """Make errors of the block say which output is not kept.

    Raises:
        OutputsNotKept: for any error but those of the next two classes.
        StoreError: the store cannot be used.
        OSError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise OutputsNotKept(
            f"The output '{output_key}' cannot be put in its place: {error.filename}: {error.strerror}."
        ) from error
    except (OutputsNotKept, StoreError):
        raise
    except MlrunError as error:
        raise OutputsNotKept(f"The output '{output_key}' is not kept: {error.message}", hint=error.hint) from error


def _store_output(workspace: Workspace, run_id: str, output_key: str, output: Output, place: OutputLocation) -> None:
    """Move an uploaded output of a step run to its place, and register it if it is to become a dataset."""
    datastore = get_datastore(workspace, place.datastore)
    _move_output(datastore, place, output_key, output)
    if output.registration is not None and output.mode == "upload":
        _register_dataset(workspace, datastore, place, output.registration)
    if output.kind == FILE_DATASET and output.mode == "upload":
        _record_upload(workspace, run_id, output_key, datastore, place)


def _move_output(datastore: Datastore, place: OutputLocation, output_key: str, output: Output) -> None:
    """Move an uploaded output to its place in a datastore, and create an empty folder if nothing was written."""
    path, written = datastore.resolve_path(place.path), datastore.resolve_path(place.written_path)
    if written != path and os.path.lexists(written):
        create_output_folder(datastore, path.parent)
        _move_or_merge(written, path, output_key, overwrite=output.overwrite)
        with suppress(OSError):
            written.parent.rmdir()
    if not os.path.lexists(path):  # the step has written nothing, and the next one is given an empty folder
        create_output_folder(datastore, path)


def create_output_folder(datastore: Datastore, path: Path) -> None:
    """Create a folder of a datastore with its parents, private to the user in a datastore of ours."""
    if datastore.is_own and not path.exists():
        make_private_folder(path)
    else:
        path.mkdir(parents=True, exist_ok=True)


def _move_or_merge(source: Path, destination: Path, output_key: str, *, overwrite: bool) -> None:
    """Move a file, or merge a folder into its destination; existing files are replaced only with `overwrite`."""
    if source.is_dir() and not source.is_symlink() and destination.is_dir():
        for name in sorted(os.listdir(source)):
            _move_or_merge(source / name, destination / name, output_key, overwrite=overwrite)
        source.rmdir()
        return
    if os.path.lexists(destination) and not overwrite:
        raise OutputsNotKept(
            f"The output '{output_key}' is not kept: {destination} exists already.", hint="Write overwrite: true."
        )
    source.rename(destination)


def _register_dataset(
    workspace: Workspace, datastore: Datastore, place: OutputLocation, registration: Registration
) -> None:
    register_dataset(
        workspace,
        {"kind": FILE_KIND, "paths": [{"datastore": datastore.name, "path": place.path}]}
        if registration.table is None
        else registration.table.build_definition(datastore.name, place.path),
        registration.name,
        description=registration.description,
        tags=registration.tags,
        create_new_version=True,
    )


def _record_upload(
    workspace: Workspace, run_id: str, output_key: str, datastore: Datastore, place: OutputLocation
) -> None:
    """Change the definition of a step run so that its output is a dataset of the place to which it was uploaded."""
    run = workspace.runs.get(run_id)
    definition = dict(run.definition or {})
    definition["outputData"] = [
        {**one, "relative_path": place.path} if one["name"] == output_key else one
        for one in definition.get("outputData") or ()
    ]
    save_dataset(workspace, {"kind": FILE_KIND, "paths": [{"datastore": datastore.name, "path": place.path}]})
    with workspace.transaction():
        workspace.runs.update(run.key, definition=definition)
