"""Runs that a controller executes instead of a supervisor: they are recorded, and their controller is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import StoreError
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.new_run_fields import build_submitter_fields
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.controllers import wake_controller
from mlrun_cli.runtime.unfinished_submissions import remove_unfinished_submission
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.workspace import Workspace


class ControlledRun(NamedTuple):
    """A run to record that a controller executes.

    Attributes:
        run_id: the id of the run; a run with this id is recorded only once.
        experiment_name: the experiment, which is created if it does not exist.
        controller: the kind of its controller.
        run_type: the type of the run.
        logs: the names of its logs, such as `azureml-logs/hyperdrive.txt`; the first one is followed.
        target: the compute target that is shown; child runs may be on others.
        notify: the addresses that are notified of its end.
        first_rerun_of: as in a `SubmitRequest`.
    """

    run_id: str
    experiment_name: str
    controller: str
    run_type: str
    logs: Sequence[str]
    target: str | None = None
    parent_run_id: str | None = None
    script_name: str | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})
    notify: Sequence[str] = ()
    first_rerun_of: str | None = None


def start_controlled_run(
    workspace: Workspace,
    controlled_run: ControlledRun,
    write_files: Callable[[RunFolder], None],
    interruptions: Interruptions,
) -> Run:
    """Record a run, unless one with its id exists, and start its controller, unless it has ended; return the run.

    Only one process may start a run id at a time. If that is killed at any moment, the next call completes what is
    missing, and the next look at any run starts the controller of a recorded run. Interruptions are blocked once the
    run is recorded.

    Args:
        workspace: the workspace of the run.
        controlled_run: the run.
        write_files: writes what the controller needs into the folder of the run.
        interruptions: blocked from then on.

    Raises:
        MlrunError: the run cannot be recorded; nothing of it remains.
        OSError: files of an earlier call cannot be removed.
    """
    if workspace.runs.find_key(controlled_run.run_id) is None:
        remove_unfinished_submission(workspace, controlled_run.run_id)
        folder = workspace.get_run_folder(controlled_run.run_id)
        with NewRunFolder(folder) as new_folder:
            for name in controlled_run.logs:
                (folder.artifacts / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.create_process_logs(controlled_run.logs)
            if controlled_run.notify:
                write_json(folder.notify, {"addresses": list(controlled_run.notify)})
            write_files(folder)
            _record_run(workspace, controlled_run, interruptions)
            new_folder.is_in_store = True
    run = workspace.runs.get(controlled_run.run_id)
    if not run.status.is_terminal:
        with suppress(OSError, StoreError):  # the next look at a run starts it
            wake_controller(workspace, run)
    return run


def _record_run(workspace: Workspace, controlled_run: ControlledRun, interruptions: Interruptions) -> None:
    with workspace.transaction(durable=True):
        interruptions.block()
        if controlled_run.first_rerun_of is not None:
            workspace.runs.check_is_not_repeated(controlled_run.first_rerun_of)
        parent_key, root_key = (None, None)
        if controlled_run.parent_run_id is not None:
            parent_key, root_key = workspace.runs.get_key_and_root_key(controlled_run.parent_run_id)
        experiment, run_number = workspace.experiments.reserve_run_numbers(controlled_run.experiment_name)
        key = workspace.runs.insert(
            experiment,
            run_number,
            controlled_run.run_id,
            run_type=controlled_run.run_type,
            status=RunStatus.NOT_STARTED,
            controller=controlled_run.controller,
            parent_key=parent_key,
            root_key=root_key,
            display_name=controlled_run.display_name or None,
            description=controlled_run.description,
            script_name=controlled_run.script_name,
            target=controlled_run.target,
            **build_submitter_fields(),
        )
        workspace.runs.add_properties(key, controlled_run.properties)
        workspace.runs.set_tags(key, controlled_run.tags)
