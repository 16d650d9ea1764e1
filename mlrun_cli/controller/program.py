"""The controller program."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.controller.controller import Controller
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.controllers import ControllerFolder
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available


def main(arguments: list[str]) -> None:
    """Control a sweep or pipeline in the background, holding the lock whose descriptor is an argument."""
    _, folder, _, descriptor, run_id = arguments
    detach_program(Path(folder), int(descriptor))
    lock = OwnerLock(int(descriptor))
    try:
        with open_workspace_when_available(Path(folder), Path("runs", run_id)) as workspace:
            try:
                Controller(workspace, workspace.runs.get(run_id), lock).run()
            except RunNotFound:
                if workspace.runs.find_key(run_id) is not None:
                    raise  # a child run is missing
    except Exception as error:  # the next look starts another one, a few times
        log_exception()
        problem = f"{type(error).__name__}: {error}"
        ControllerFolder(RunFolder(Path(folder, "runs", run_id))).record_failure(problem)
