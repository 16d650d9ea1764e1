"""Interactive runs, which have no script: a process starts them, logs to them and ends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.names import check_display_name, check_experiment_name, check_run_id, check_tag_key, check_text
from mlrun_cli.core.time import now
from mlrun_cli.errors import AlreadyExists, LimitExceeded
from mlrun_cli.runs.new_run_fields import build_submitter_fields
from mlrun_cli.runs.run import INTERACTIVE_RUN, Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.notifier_start import start_notifier_for_interactive_runs
from mlrun_cli.workspace import Workspace

MAX_CHILDREN = 1_000_000
_CHILD_NUMBER = "azureml.batch_child_number"


def create_interactive_run(
    workspace: Workspace,
    experiment_name: str,
    owner_lock_path: str,
    *,
    run_id: str | None = None,
    parent: Run | None = None,
    display_name: str | None = None,
    properties: Mapping[str, str] | None = None,
) -> Run:
    """Create an interactive run with the status Running, and return it.

    Args:
        workspace: the workspace of the run.
        experiment_name: the name of the experiment, which is created if it does not exist.
        owner_lock_path: the folder, relative to the workspace's, whose lock is held by the process that owns the run.
        run_id: the id of the run; None creates a GUID.
        parent: the parent run, which may have ended.
        display_name: the name to display.
        properties: the initial properties of the run.

    Raises:
        UsageError: a name is not valid, or a run with this id exists.
    """
    check_experiment_name(experiment_name)
    display_name = check_display_name(display_name)
    wanted_id = run_id or generate_guid()
    moment = now()
    with workspace.transaction(durable=True):
        if run_id is not None:
            check_new_run_id(workspace, run_id)
        experiment, run_number = workspace.experiments.reserve_run_numbers(experiment_name)
        key = workspace.runs.insert(
            experiment,
            run_number,
            wanted_id,
            parent_key=None if parent is None else parent.key,
            root_key=None if parent is None else parent.root_key or parent.key,
            display_name=display_name,
            **_build_columns(owner_lock_path, moment),
        )
        workspace.runs.add_properties(key, properties or {})
    if workspace.owned_run is None:
        workspace.owned_run = (wanted_id, key)
    return workspace.runs.get_by_key(key)


def check_new_run_id(workspace: Workspace, run_id: str) -> None:
    """Raise if a new run cannot have this id, since the id is invalid or taken.

    Raises:
        UsageError: it is not valid, or a run with this id exists, if only in the trash.
    """
    check_run_id(run_id)
    is_deleted = workspace.trash.find_run(run_id) is not None
    if is_deleted or workspace.runs.find_key(run_id) is not None:
        where = "is in the trash" if is_deleted else "already exists"
        raise AlreadyExists(f"The run '{run_id}' {where}.", hint="Leave the id out, or choose another.", target=run_id)


def create_children(
    workspace: Workspace,
    parent: Run,
    owner_lock_path: str,
    count: int,
    tag_and_values: tuple[str, Sequence[str | None]] | None,
) -> list[str]:
    """Create several interactive child runs in one transaction; return their ids, in the order of their run numbers.

    Args:
        workspace: the workspace of the runs.
        parent: the parent run.
        owner_lock_path: as for `create_interactive_run`.
        count: the number of child runs.
        tag_and_values: a tag key with a value for each child run; by default Azure's key with numbers from 0.

    Raises:
        UsageError: there are too many, or a tag is not valid.
    """
    if not 0 <= count <= MAX_CHILDREN:
        raise LimitExceeded(f"{count} child runs cannot be made at once.", hint=f"Make at most {MAX_CHILDREN}.")
    key, values = (
        (_CHILD_NUMBER, [str(number) for number in range(count)]) if tag_and_values is None else tag_and_values
    )
    check_tag_key(key)
    check_text("the value of a tag", "".join(value or "" for value in values))
    run_ids = [generate_guid() for _ in range(count)]
    with workspace.transaction(durable=True):
        _, first = workspace.experiments.reserve_run_numbers(parent.experiment_name, count)
        workspace.runs.insert_children(parent, first, run_ids, (key, values), **_build_columns(owner_lock_path, now()))
    return run_ids


def complete_interactive_run(workspace: Workspace, run: Run) -> Run:
    """Complete an interactive run, unless it has ended or belongs to a supervisor; return the current run."""
    if run.owner_lock is not None:
        with workspace.transaction(durable=True):
            has_ended = workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.COMPLETED, ended_at=now())
        if has_ended:
            start_notifier_for_interactive_runs(workspace, [run.key], RunStatus.COMPLETED)
    return workspace.runs.get_by_key(run.key)


def _build_columns(owner_lock_path: str, timestamp: int) -> Mapping[str, Any]:
    return {
        "run_type": INTERACTIVE_RUN,
        "status": RunStatus.RUNNING,
        "started_at": timestamp,
        "target": "local",
        "owner_lock": owner_lock_path,
        **build_submitter_fields(),
    }
