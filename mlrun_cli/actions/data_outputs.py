"""Registration of the data outputs of Completed runs as datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.actions.datasets import register_dataset
from mlrun_cli.data.dataset import FILE_KIND
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


def register_outputs(workspace: Workspace, run: Run) -> tuple[str, ...]:
    """Register the outputs of a Completed run as its definition specifies; return a line for each failure.

    Raises:
        StoreError: the store cannot be used.
    """
    outputs = [output for output in (run.definition or {}).get("outputData") or [] if output.get("registration")]
    return tuple(line for line in (_register_output(workspace, output) for output in outputs) if line is not None)


def _register_output(workspace: Workspace, output: Mapping[str, Any]) -> str | None:
    registration = output["registration"]
    place = _join_pattern(output["relative_path"], registration.get("glob"))
    definition = {
        "kind": registration.get("kind") or FILE_KIND,
        "paths": [{"datastore": output["datastore"], "path": place}],
        "options": registration.get("options") or {},
        "steps": registration.get("steps") or [],
    }
    try:
        register_dataset(
            workspace,
            definition,
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
