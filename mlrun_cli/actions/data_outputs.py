"""The data outputs of Completed runs as datasets, registered or without a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlrun_cli.actions.datasets import normalize_dataset_definition, register_dataset, save_dataset
from mlrun_cli.data.dataset import FILE_KIND
from mlrun_cli.errors import DataNotFound, MlrunError, StoreError
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


def register_outputs(workspace: Workspace, run: Run) -> tuple[str, ...]:
    """Register the outputs of a Completed run as its definition specifies, and save the others without a name.

    Returns:
        A line for each output that could not be registered.

    Raises:
        StoreError: the store cannot be used.
    """
    lines = []
    for output in _list_outputs(run):
        if output.get("registration"):
            lines.append(_register_output(workspace, output))
        else:
            with suppress(DataNotFound):  # the datastore was detached
                save_dataset(workspace, _build_definition(output))
    return tuple(line for line in lines if line is not None)


def find_output_ids(workspace: Workspace, run: Run) -> dict[str, str]:
    """Return the ids of the datasets that the outputs of a Completed run are, keyed by the names of the outputs."""
    found = {}
    for output in _list_outputs(run):
        with suppress(DataNotFound):
            definition = normalize_dataset_definition(workspace, _build_definition(output))
            dataset = workspace.datasets.find_by_definition(definition)
            if dataset is not None:
                found[output["name"]] = dataset.dataset_id
    return found


def _list_outputs(run: Run) -> Sequence[Mapping[str, Any]]:
    return (run.definition or {}).get("outputData") or []


def _build_definition(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of the dataset that an output is."""
    registration = output.get("registration") or {}
    place = _join_pattern(output["relative_path"], registration.get("glob"))
    return {
        "kind": registration.get("kind") or FILE_KIND,
        "paths": [{"datastore": output["datastore"], "path": place}],
        "options": registration.get("options") or {},
        "steps": registration.get("steps") or [],
    }


def _register_output(workspace: Workspace, output: Mapping[str, Any]) -> str | None:
    registration = output["registration"]
    try:
        register_dataset(
            workspace,
            _build_definition(output),
            registration["name"],
            description=registration.get("description"),
            tags=registration.get("tags"),
            create_new_version=True,
        )
    except StoreError:
        raise
    except MlrunError as error:
        return f"The output '{output['name']}' is not registered: {error.message}"
    return None


def _join_pattern(folder: str, glob: str | None) -> str:
    return folder if glob is None else f"{folder}/{glob.lstrip('/')}"
