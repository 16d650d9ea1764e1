"""Create, list, tag, archive, delete and restore experiments."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.run_deletion import check_deletable
from mlrun_cli.actions.trash import move_to_trash, restore_runs
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.names import check_experiment_name, check_tag_key, check_text
from mlrun_cli.core.time import format_iso, now
from mlrun_cli.errors import AlreadyExists, ExperimentNotFound, InUse
from mlrun_cli.experiments.experiment import Experiment, build_experiment_record
from mlrun_cli.experiments.outcomes import ExperimentOutcomes
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.workspace import Workspace


def list_experiments(workspace: Workspace) -> Sequence[dict[str, Any]]:
    """Return the records of all experiments, sorted by name."""
    return [_build_record(workspace, experiment) for experiment in workspace.experiments.list()]


def list_experiment_outcomes(workspace: Workspace, text: str | None = None) -> Sequence[ExperimentOutcomes]:
    """Return the numbers of runs by outcome, for each experiment whose name contains every word of `text`.

    The most recently active experiment comes first.

    Runs that have lost their supervisor are recovered first, so that the counts are accurate.
    """
    reconcile(workspace)
    words = (text or "").casefold().split()
    return [
        each
        for each in workspace.experiments.list_outcomes()
        if all(word in each.experiment.name.casefold() for word in words)
    ]


def get_experiment(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return the record of an experiment.

    Raises:
        ExperimentNotFound: it does not exist; the message lists the existing experiments.
    """
    try:
        return _build_record(workspace, workspace.experiments.get(name))
    except ExperimentNotFound as error:
        if workspace.trash.list_experiments(name=name):
            error.hint = f"It was deleted; restore it: mlrun experiment restore -e {shlex.quote(name)}"
        raise


def get_or_create_experiment(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return the record of an experiment, creating the experiment if it does not exist.

    Raises:
        UsageError: the name is not valid.
    """
    check_experiment_name(name)
    if workspace.experiments.find(name) is None:
        with workspace.transaction():
            workspace.experiments.ensure(name)
    return get_experiment(workspace, name)


def update_experiment_tags(
    workspace: Workspace, name: str, tags: Mapping[str, str | None], removed: Sequence[str] = ()
) -> dict[str, Any]:
    """Set and remove tags of an experiment in one transaction and return its record.

    Raises:
        UsageError: a key or a value is not valid.
        ExperimentNotFound: it does not exist.
    """
    for key, value in tags.items():
        check_tag_key(key)
        check_text(f"the value of the tag '{key}'", value or "")
    experiment = workspace.experiments.get(name)
    with workspace.transaction():
        workspace.experiments.set_tags(experiment.key, tags)
        workspace.experiments.remove_tags(experiment.key, removed)
    return get_experiment(workspace, name)


def set_experiment_archived(
    workspace: Workspace, name: str, *, is_archived: bool, new_name: str | None
) -> dict[str, Any]:
    """Archive or restore an experiment, and rename it if a new name is given; return its record.

    Raises:
        UsageError: the new name is not valid, or is another experiment's.
        ExperimentNotFound: it does not exist.
    """
    experiment = workspace.experiments.get(name)
    with workspace.transaction():
        if new_name is not None and new_name != name:
            check_experiment_name(new_name)
            if workspace.experiments.find(new_name) is not None:
                raise AlreadyExists(
                    f"The experiment '{new_name}' already exists.", hint="Choose another name.", target=new_name
                )
            workspace.experiments.update(experiment.key, name=new_name)
        workspace.experiments.update(experiment.key, archived_at=now() if is_archived else None)
    return get_experiment(workspace, new_name or name)


def delete_experiment(workspace: Workspace, experiment_id: str) -> None:
    """Delete the experiment with this id; raise if it has runs.

    Raises:
        UsageError: it has runs.
        ExperimentNotFound: no experiment has this id.
    """
    experiments = workspace.experiments.list()
    found = [experiment for experiment in experiments if experiment.experiment_id == experiment_id]
    if not found:
        raise ExperimentNotFound(experiment_id, [f"{one.experiment_id} ({one.name})" for one in experiments])
    with workspace.transaction(durable=True):
        if not workspace.experiments.delete(found[0].key):
            raise InUse(
                f"The experiment '{found[0].name}' has runs, and was not deleted.",
                hint=f"Delete them first: mlrun run delete --all -e '{found[0].name}' --yes",
                target=found[0].name,
            )


def move_experiment_to_trash(workspace: Workspace, name: str, *, force: bool = False) -> int:
    """Move an experiment and its runs to the trash; return the number of runs.

    Args:
        workspace: the workspace of the experiment.
        name: the name of the experiment.
        force: whether to delete even runs that are kept or that are the source of a registered model.

    Raises:
        ExperimentNotFound: it does not exist.
        UsageError: a run has not ended or is protected, or was submitted meanwhile.
    """
    experiment = workspace.experiments.get(name)
    runs = workspace.runs.list(RunFilter(experiment_name=name, include_children=True))
    check_deletable(workspace, runs, force=force)
    deletion_id = generate_guid()
    move_to_trash(workspace, runs, deletion_id)
    with workspace.transaction(durable=True):
        if workspace.runs.list(RunFilter(experiment_name=name, include_children=True, last=1)):
            raise InUse(
                f"A run was added to the experiment '{name}' meanwhile, so it was left; its other runs were deleted.",
                hint="Delete it again when that run has ended.",
                target=name,
            )
        workspace.trash.add_experiment(experiment.key, deletion_id, now())
    return len(runs)


def restore_experiment(workspace: Workspace, name: str) -> dict[str, Any]:
    """Restore the most recently deleted experiment with this name, and the runs deleted with it; return its record.

    Raises:
        ExperimentNotFound: there is none in the trash.
        AlreadyExists: there is another experiment with this name now.
    """
    found = next(iter(workspace.trash.list_experiments(name=name)), None)
    if found is None:
        error = ExperimentNotFound(name)
        is_there = workspace.experiments.find(name) is not None
        trash = f"in the trash of workspace '{workspace.identity.name}'"
        error.message = (
            f"The experiment '{name}' is not deleted." if is_there else f"There is no experiment '{name}' {trash}."
        )
        error.hint = "'mlrun experiment list --deleted' shows what is in the trash."
        raise error
    with workspace.transaction(durable=True):
        if workspace.experiments.find(name) is not None:
            raise AlreadyExists(
                f"There is another experiment '{name}' now.",
                hint=f"Add its deleted runs to that: mlrun run restore --all -e '{name}'",
                target=name,
            )
        workspace.trash.restore_experiment(found.key)
    restore_runs(workspace, workspace.trash.list_runs(deletion_id=found.deletion_id))
    return get_experiment(workspace, name)


def list_deleted_experiments(workspace: Workspace) -> Sequence[dict[str, Any]]:
    """Return the names and deletion times of the experiments in the trash, most recently deleted first."""
    found = workspace.trash.list_experiments()
    return [{"deletedAt": format_iso(each.deleted_at), "name": each.name} for each in found]


def _build_record(workspace: Workspace, experiment: Experiment) -> dict[str, Any]:
    return build_experiment_record(experiment, workspace.experiments.get_tags(experiment.key))
