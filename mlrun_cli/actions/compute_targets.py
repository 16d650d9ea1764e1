"""Create, list, show, update and delete the compute targets of a workspace."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlrun_cli.actions.workspaces import build_workspace_record
from mlrun_cli.compute.compute_target import (
    AML_COMPUTE,
    LOCAL_TARGET,
    ComputeTarget,
    build_compute_target_record,
    check_compute_target_name,
    is_compute_target_name,
)
from mlrun_cli.compute.unknown_targets import TARGETS_VARIABLE
from mlrun_cli.core.time import now
from mlrun_cli.errors import (
    AlreadyExists,
    ComputeTargetNotFound,
    InUse,
    MissingOption,
    ReservedName,
    TargetKindNotFound,
    Unsupported,
)
from mlrun_cli.runs.shared_folder import find_shared_run_folder
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.runtime.queue import wake_dispatcher, wake_dispatchers
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.targets.kinds import TARGET_KINDS, is_attached_kind, list_attached_kinds
from mlrun_cli.targets.lookup import get_target, get_target_class
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.runs.run import Run
    from mlrun_cli.targets.engine import EngineTarget

_LIMIT_FOR_LOCAL = f"To give it a limit: 'mlrun computetarget create amlcompute -n {LOCAL_TARGET} --max-nodes 4'."
_MAX_LINES = 3
_MAX_NAMES = 10
_VALUES_SECONDS = 10.0
"""How long a deletion waits for the last values of ended runs."""
_LOOK_SECONDS = 0.05
_ON_TARGET = frozenset(
    {RunStatus.NOT_STARTED, RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.STARTING, RunStatus.RUNNING}
)


def create_compute_target(
    workspace: Workspace,
    name: str,
    kind: str,
    *,
    properties: Mapping[str, Any],
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> ComputeTarget:
    """Create a compute target, or update an existing AmlCompute target of this name, as Azure does; return the target.

    Creating `local`, which has no limit by default, gives it one.

    Raises:
        Unsupported: there are no targets of this kind.
        UsageError: targets of this kind are attached, the name is not valid or belongs to a target that cannot be
            updated to this one, or a queued run needs more nodes than the target would have.
    """
    check_compute_target_name(name)
    if is_attached_kind(kind):
        raise MissingOption(
            f"A {kind} target is attached, not created: its machines exist already.",
            hint=f"Type '{TARGET_KINDS[kind].build_attach_command(name)}'.",
            target=name,
        )
    return store_compute_target(workspace, name, kind, properties=properties, description=description, tags=tags)


def store_compute_target(
    workspace: Workspace,
    name: str,
    kind: str,
    *,
    properties: Mapping[str, Any],
    description: str,
    tags: Mapping[str, str] | None,
) -> ComputeTarget:
    """Store a compute target with a valid name, or update an existing AmlCompute target; return the target.

    Raises:
        Unsupported: there are no targets of this kind.
        UsageError: the name belongs to a target that cannot be updated to this one, or a queued run needs more nodes
            than the target would have.
    """
    if name == LOCAL_TARGET and kind != AML_COMPUTE:
        raise ReservedName(
            f"'{LOCAL_TARGET}' is this machine, and cannot be made.", hint=_LIMIT_FOR_LOCAL, target=LOCAL_TARGET
        )
    try:
        get_target_class(kind)
    except TargetKindNotFound as error:
        raise Unsupported(
            f"'{kind}' is not a kind of compute target here; '{name}' was not made.",
            hint=f"Make an AmlCompute named '{name}': what is sent to it runs on this machine.",
            target=name,
        ) from error
    moment = now()
    redactor = workspace.redactor
    shown_tags = None if tags is None else redactor.redact_document(tags)
    shown_description = redactor.redact_optional(description) or ""
    target = ComputeTarget(name, kind, moment, moment, shown_description, shown_tags, properties)
    with workspace.transaction():
        _check_capacity(workspace, target)
        if not workspace.compute_targets.insert(target):
            there = get_compute_target(workspace, name)
            if (there.kind, kind) != (AML_COMPUTE, AML_COMPUTE):
                raise _build_exists_error(there)
            target = target._replace(created_at=there.created_at)
            workspace.compute_targets.replace(target)
    wake_dispatchers(workspace)
    return target


def check_name_is_free(workspace: Workspace, name: str) -> None:
    """Raise if the name for a new compute target is invalid or already in use.

    Raises:
        AlreadyExists: there is a compute target with this name.
        InvalidName: it is not a name for a compute target.
    """
    there = workspace.compute_targets.find(check_compute_target_name(name))
    if there is not None:
        raise _build_exists_error(there)


def _build_exists_error(existing: ComputeTarget) -> AlreadyExists:
    if is_attached_kind(existing.kind):
        return AlreadyExists(
            f"The compute target '{existing.name}' is attached already, of the kind {existing.kind}.",
            hint=f"To change its options, type 'mlrun computetarget detach -n {existing.name}' and attach it again: "
            "its ended runs stay. Else choose another name.",
            target=existing.name,
        )
    return AlreadyExists(
        f"The compute target '{existing.name}' already exists, of the kind {existing.kind}.",
        hint=f"Use that one, choose another name, or delete it: 'mlrun computetarget delete -n {existing.name}', in "
        "a script its delete().",
        target=existing.name,
    )


def list_compute_targets(workspace: Workspace) -> Sequence[ComputeTarget]:
    """Return all compute targets of the workspace, sorted by name.

    `local`, which every workspace has, is included only if it has a limit.
    """
    return workspace.compute_targets.list()


def get_compute_target(workspace: Workspace, name: str) -> ComputeTarget:
    """Return the compute target with this name.

    Raises:
        ComputeTargetNotFound: it does not exist; the message lists the existing targets.
        UsageError: it is `local`, which has no limit.
    """
    found = workspace.compute_targets.find(name)
    if found is None and name == LOCAL_TARGET:
        raise ReservedName(
            f"'{LOCAL_TARGET}' is this machine: it always exists, and has no limit.",
            hint=_LIMIT_FOR_LOCAL,
            target=LOCAL_TARGET,
        )
    if found is None:
        raise ComputeTargetNotFound(name, list_target_names(workspace))
    return found


def describe_nodes(workspace: Workspace, name: str) -> Mapping[str, Any]:
    """Return a JSON-compatible mapping that describes a compute target's nodes; empty if the only node is this machine.

    Raises:
        MlrunError: the engine of the target does not answer.
    """
    return get_target(workspace, name).describe_nodes()


def list_target_names(workspace: Workspace) -> list[str]:
    """Return the names of all compute targets, `local` first."""
    others = (target.name for target in workspace.compute_targets.list() if target.name != LOCAL_TARGET)
    return [LOCAL_TARGET, *others]


def update_compute_target(workspace: Workspace, name: str, properties: Mapping[str, Any]) -> ComputeTarget:
    """Update the given properties of a compute target and return it; other properties are unchanged.

    Raises:
        ComputeTargetNotFound: it does not exist.
        UsageError: a queued run needs more nodes than the target would have.
    """
    with workspace.transaction():
        there = get_compute_target(workspace, name)
        changed = there._replace(modified_at=now(), properties={**there.properties, **properties})
        _check_capacity(workspace, changed)
        workspace.compute_targets.replace(changed)
    wake_dispatchers(workspace)
    return changed


def _check_capacity(workspace: Workspace, target: ComputeTarget) -> None:
    """Raise if a queued run needs more nodes than the target would have."""
    limit = get_target_class(target.kind).get_node_limit(target)
    larger = [] if limit is None else workspace.queues.list_ids_exceeding_node_limit(target.name, limit)
    if larger:
        named = ", ".join(larger[:_MAX_NAMES]) + (", …" if len(larger) > _MAX_NAMES else "")
        raise InUse(
            f"With at most {limit} node{'s' if limit != 1 else ''}, '{target.name}' could never run what waits for "
            f"more nodes: {named}. It was not changed.",
            hint=f"Cancel them first, as in 'mlrun run cancel -r {larger[0]}', or wait until they have started.",
            target=target.name,
        )


def delete_compute_target(workspace: Workspace, name: str, *, loses_values: bool = False) -> None:
    """Delete a compute target; its ended runs are unchanged.

    A run is inserted in a transaction that checks its target, so that no run can wait for a deleted one. Deleting
    `local` only removes its limit.

    Args:
        workspace: the workspace.
        name: the name of the target.
        loses_values: whether to delete it although values that ended runs have logged there could not be stored.

    Raises:
        ComputeTargetNotFound: it does not exist.
        UsageError: runs wait for it or run on it, or values of ended ones could not be stored; nothing is changed then.
    """
    lost = reconcile(workspace)
    target = _find_engine_target(workspace, name)
    unstored = [] if target is None else _wait_for_values(target)
    with workspace.transaction(durable=True):
        get_compute_target(workspace, name)
        if name != LOCAL_TARGET:
            _check_target_unused(workspace, name, lost)
        if unstored and not loses_values:
            raise _build_unstored_error(name, [run.run_id for run in unstored])
        workspace.compute_targets.delete(name)
    if name == LOCAL_TARGET:
        wake_dispatchers(workspace)
    for run in unstored:  # nobody else will
        shared = find_shared_run_folder(workspace.get_run_folder(run.run_id))
        if shared is not None:
            shared.remove_leftovers()


def _find_engine_target(workspace: Workspace, name: str) -> EngineTarget | None:
    """Return a target if it has an engine, whose collector stores what its runs have logged."""
    from mlrun_cli.targets.engine import EngineTarget  # noqa: PLC0415 - start-up: submissions check a target

    if name == LOCAL_TARGET or workspace.compute_targets.find(name) is None:
        return None
    with suppress(TargetKindNotFound):
        target = get_target(workspace, name)
        return target if isinstance(target, EngineTarget) else None
    return None


def _wait_for_values(target: EngineTarget) -> Sequence[Run]:
    """Wait briefly until all that ended runs have logged is stored; return the runs of which some values are not."""
    from mlrun_cli.runtime.unstored_runs import list_unstored_runs  # noqa: PLC0415 - start-up: see above

    shared_folder = target.shared_folder
    deadline = time.monotonic() + _VALUES_SECONDS
    unstored = list_unstored_runs(target, shared_folder)
    if unstored:
        with suppress(OSError):
            wake_dispatcher(target.workspace, target.name)
    while unstored and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        unstored = list_unstored_runs(target, shared_folder)
    return unstored


def _build_unstored_error(name: str, run_ids: Sequence[str]) -> InUse:
    return InUse(
        f"The compute target '{name}' was not deleted: not all that its ended runs have logged may be stored yet:"
        f" {format_first_names(run_ids)}.",
        hint=f"Wait until '{name}' answers, or give their last values up:"
        f" 'mlrun computetarget detach -n {name} --force'.",
        target=name,
    )


def check_target_exists(workspace: Workspace, name: str) -> None:
    """Raise unless the name is `local` or the name of a compute target in the workspace.

    Raises:
        ComputeTargetNotFound: it does not exist; the message lists the existing targets.
    """
    if name == LOCAL_TARGET:
        return
    try:
        get_compute_target(workspace, name)
    except ComputeTargetNotFound as error:
        error.hint = f"Write the name of a target, such as '{LOCAL_TARGET}', this machine."
        if is_compute_target_name(name):
            error.hint = "\n".join(
                [
                    f"Use '{LOCAL_TARGET}', this machine, as {TARGETS_VARIABLE}={LOCAL_TARGET} does for all that are"
                    " not here; or add it:",
                    *(f"  {line}" for line in _list_creation_commands(name)),
                ]
            )
        raise


def _list_creation_commands(name: str) -> list[str]:
    """Return the commands that could create a target with this name, or only one if the name contains a kind."""
    attached = list_attached_kinds()
    likeliest = [kind.build_attach_command(name) for kind in attached if kind.attach_word in name.casefold()]
    others = (kind.build_attach_command(name) for kind in attached)
    return likeliest[:1] or [f"mlrun computetarget create amlcompute -n {name} --max-nodes 1", *others]


def _get_statuses_needing_target(workspace: Workspace, name: str) -> frozenset[RunStatus]:
    """Return the statuses in which a run still needs the compute target with this name."""
    with suppress(TargetKindNotFound):
        if get_target_class(get_compute_target(workspace, name).kind).dispatcher_follows_runs:
            return ALIVE_STATUSES
    return _ON_TARGET


def _check_target_unused(workspace: Workspace, name: str, lost_run_keys: Container[int]) -> None:
    """Raise if a run that is neither ending nor lost waits for a target or runs on it."""
    from mlrun_cli.runs.filter import RunFilter  # noqa: PLC0415 - start-up: submissions check a target, few delete one

    which = RunFilter(target=name, statuses=_get_statuses_needing_target(workspace, name), include_children=True)
    runs = [run for run in workspace.runs.list(which) if run.owner_lock is None and run.key not in lost_run_keys]
    if not runs:
        return
    waiting = sum(run.status is RunStatus.QUEUED for run in runs)
    numbers = (
        (waiting, "run waits for it", "runs wait for it"),
        (len(runs) - waiting, "run is on it", "runs are on it"),
    )
    use = ", ".join(f"{number} {one if number == 1 else more}" for number, one, more in numbers if number)
    where = {
        f"--parent-run-id {run.parent_run_id}" if run.parent_run_id else f"-e {run.experiment_name}" for run in runs
    }
    lines = [f"'mlrun run cancel --all {each} --compute-target-name {name}'" for each in sorted(where)[:_MAX_LINES]]
    them = "it" if len(runs) == 1 else "them"
    raise InUse(
        f"The compute target '{name}' is in use and was not deleted: {use}.",
        hint=f"Wait for {them}, or cancel {them} first: {', '.join(lines)}.",
        target=name,
    )


def build_target_record(workspace: Workspace, target: ComputeTarget) -> dict[str, Any]:
    """Return the JSON record of a workspace's compute target in Azure's format."""
    workspace_id = build_workspace_record(workspace.identity, workspace.home)["id"]
    return build_compute_target_record(target, workspace_id, is_attached=is_attached_kind(target.kind))
