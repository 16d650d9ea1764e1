"""The outputs of a completed step, which are moved to the places where the next steps read them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from mlrun_cli.actions.datasets import register_dataset, save_dataset
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.data.dataset import FILE_KIND
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.pipelines.data_flow import OutputLocation, locate_output
from mlrun_cli.pipelines.graph import FILE_DATASET, Output, Registration
from mlrun_cli.submit.pipeline_step import StepPlan
from mlrun_cli.submit.sweep_step import copy_best_model, write_sweep_metrics
from mlrun_cli.workspace import Workspace

_FULL = {errno.ENOSPC, errno.EDQUOT}


class OutputsNotKept(MlrunError):
    """The outputs of a completed step cannot be moved to their destinations."""


def store_outputs(workspace: Workspace, plan: StepPlan, run_id: str) -> None:
    """Move the uploaded outputs of a step run to their datastores, and register those that are to become datasets.

    It may be called again if it was interrupted.

    Raises:
        OutputsNotKept: a file cannot be moved, or a dataset cannot be registered.
        StoreError: the store cannot be used.
        OSError: the disk is full.
    """
    for key, output in plan.step.outputs.items():
        place = locate_output(plan.graph, run_id, key, output)
        try:
            datastore = get_datastore(workspace, place.datastore)
            model_file = plan.step.model_outputs.get(key)
            if key == plan.step.metrics_output or model_file is not None:
                path = datastore.resolve_path(place.written_path)
                _create_folder(datastore, path.parent)
                if model_file is None:
                    write_sweep_metrics(workspace, run_id, path)
                else:
                    copy_best_model(workspace, run_id, model_file, path)
            _move_output(datastore, place, key, output)
            if output.registration is not None and output.mode == "upload":
                _register_dataset(workspace, datastore, place, output.registration)
            if output.kind == FILE_DATASET and output.mode == "upload":
                _record_upload(workspace, run_id, key, datastore, place)
        except OSError as error:
            if error.errno in _FULL:
                raise
            raise OutputsNotKept(
                f"The output '{key}' cannot be put in its place: {error.filename}: {error.strerror}."
            ) from error
        except (OutputsNotKept, StoreError):
            raise
        except MlrunError as error:
            raise OutputsNotKept(f"The output '{key}' is not kept: {error.message}", hint=error.hint) from error


def _move_output(datastore: Datastore, place: OutputLocation, output_key: str, output: Output) -> None:
    """Move an uploaded output to its place in a datastore, and create an empty folder if nothing was written."""
    path, written = datastore.resolve_path(place.path), datastore.resolve_path(place.written_path)
    if written != path and os.path.lexists(written):
        _create_folder(datastore, path.parent)
        _move_or_merge(written, path, output_key, overwrite=output.overwrite)
        with suppress(OSError):
            written.parent.rmdir()
    if not os.path.lexists(path):  # the step has written nothing, and the next one is given an empty folder
        _create_folder(datastore, path)


def _create_folder(datastore: Datastore, path: Path) -> None:
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
