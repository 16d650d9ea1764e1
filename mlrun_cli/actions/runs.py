"""List, show and update runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_display_name, check_run_id, check_tag_key, check_text
from mlrun_cli.errors import (
    AmbiguousRunId,
    InvalidFilter,
    MlrunError,
    NoRunsYet,
    PropertyImmutable,
    RunEnded,
    RunNotFound,
    UsageError,
)
from mlrun_cli.runs.details import OUTPUT_DATA, build_run_details
from mlrun_cli.runs.filter import MAX_CONDITIONS, RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.liveness import reconcile, replace_status_if_not_responding
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.runs.where.condition import Condition

LATEST = "@latest"


class RunChanges(NamedTuple):
    """The changes for `update_runs`; None leaves a field unchanged, and an empty display name removes that of a run."""

    tags: Mapping[str, str | None]
    removed_tags: Sequence[str] = ()
    properties: Mapping[str, str] | None = None
    display_name: str | None = None
    description: str | None = None
    is_kept: bool | None = None


def list_runs(workspace: Workspace, run_filter: RunFilter) -> Sequence[Run]:
    """Return the runs that match a filter, newest first, each with its actual status.

    Raises:
        RunNotFound: the filter's parent run does not exist.
        UsageError: a value of the filter is not text.
    """
    run_filter = resolve_filter(workspace, run_filter)
    is_narrow = run_filter.has_value_conditions or run_filter.has_time_bounds
    if run_filter.last is not None and is_narrow:
        found = workspace.run_pages.list_newest_runs(run_filter, run_filter.last)
    else:
        found = workspace.runs.list(run_filter)
    return prepare_for_display(workspace, found, run_filter.not_responding)


def resolve_filter(workspace: Workspace, run_filter: RunFilter) -> RunFilter:
    """Reconcile the workspace and return the validated filter, with the keys of runs that do not respond.

    Bare names in its conditions are resolved.

    Raises:
        RunNotFound: the filter's parent run does not exist.
        UsageError: a value of the filter is not text.
    """
    run_filter = normalize_filter(workspace, run_filter)
    if run_filter.where is not None:
        from mlrun_cli.actions.run_values import resolve_where  # noqa: PLC0415 - start-up

        run_filter = resolve_where(workspace, run_filter)
    return run_filter._replace(not_responding=reconcile(workspace))


def get_runs(
    workspace: Workspace,
    run_ids: Iterable[str],
    *,
    experiment_name: str | None = None,
    attached_experiment: str | None = None,
    by_display_name: bool = False,
) -> Sequence[Run]:
    """Return the runs with the given ids, without duplicates, each with its actual status.

    Args:
        workspace: the workspace of the runs.
        run_ids: full ids, unique prefixes of ids, or `@latest` for the newest run.
        experiment_name: the experiment that the runs must be in; None means any.
        attached_experiment: the experiment for `@latest`, and the first one for display names, if there is no
            `experiment_name`; None means any.
        by_display_name: whether what is neither an id nor the prefix of one may be the display name of one run.

    Raises:
        NotFound: there is no such run.
        AmbiguousRunId: several ids have this prefix, or several runs this display name.
    """
    not_responding = reconcile(workspace)
    latest_of = experiment_name or attached_experiment

    def get_run(run_id: str) -> Run:
        if run_id == LATEST:
            return _get_latest_run(workspace, latest_of)
        try:
            return _get_run(workspace, run_id, experiment_name)
        except (UsageError, RunNotFound) as error:
            named = (
                _find_run_by_name(workspace, run_id, latest_of, experiment_name=experiment_name)
                if by_display_name and run_id.strip()
                else None
            )
            if named is None:
                if by_display_name and experiment_name is not None:
                    _check_name_is_not_elsewhere(workspace, error, run_id, experiment_name)
                _add_deletion_hint(workspace, error, run_id)
                raise
            return named

    found = list(map(get_run, run_ids))
    return prepare_for_display(workspace, {run.key: run for run in found}.values(), not_responding)


def get_reconciled_runs(workspace: Workspace, runs: Iterable[Run]) -> Sequence[Run]:
    """Reconcile the workspace and return these runs with their actual status."""
    not_responding = reconcile(workspace)
    return prepare_for_display(workspace, [workspace.runs.get_by_key(run.key) for run in runs], not_responding)


def update_runs(workspace: Workspace, runs: Sequence[Run], changes: RunChanges) -> Sequence[Run]:
    """Update tags, name and description of runs and add properties, in one transaction; return the updated runs.

    Raises:
        UsageError: a key or a text is not valid, or a property exists with another value.
        RunNotFound: one of the runs has been deleted.
    """
    _check_changes(changes)
    wanted = {
        "description": changes.description,
        "is_kept": None if changes.is_kept is None else int(changes.is_kept),
    }
    columns: dict[str, object] = {name: value for name, value in wanted.items() if value is not None}
    if changes.display_name is not None:
        columns["display_name"] = changes.display_name or None
    with workspace.transaction():
        for run in runs:
            reload_run(workspace, run)
            _add_properties(workspace, run, changes.properties or {})
            workspace.runs.set_tags(run.key, changes.tags)
            workspace.runs.remove_tags(run.key, changes.removed_tags)
            if columns:
                workspace.runs.update(run.key, **columns)
    return [_reload_run(workspace, run) for run in runs]


def _reload_run(workspace: Workspace, run: Run) -> Run:
    """Return the stored version of a run, still marked as not responding if it was and has not ended."""
    updated = reload_run(workspace, run)
    is_lost = run.status is RunStatus.NOT_RESPONDING and not updated.status.is_terminal
    return updated._replace(status=run.status) if is_lost else updated


def add_properties(workspace: Workspace, run: Run, properties: Mapping[str, str]) -> None:
    """Add properties to a run, either all of them or none.

    Raises:
        UsageError: a property exists with another value; the message says which.
    """
    with workspace.transaction(durable=True):
        _add_properties(workspace, run, properties)


def _add_properties(workspace: Workspace, run: Run, properties: Mapping[str, str]) -> None:
    conflicts = workspace.runs.add_properties(run.key, properties)
    if conflicts:
        name, value = next(iter(conflicts.items()))
        wanted = workspace.redactor.redact_document(properties)[name]
        raise PropertyImmutable(
            f"The property '{name}' of the run '{run.run_id}' is already '{value}', and cannot become '{wanted}'.",
            hint="Properties are written once; use a tag for what may change.",
            target=name,
        )


def get_run_details(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Return the details of a run in the format of `Run.get_details()`, with the URLs of its logs."""
    logs = {name: path.as_uri() for name, path in workspace.get_run_folder(run.run_id).find_log_files().items()}
    return build_run_details(run, logs, _find_output_ids(workspace, run))


def _find_output_ids(workspace: Workspace, run: Run) -> dict[str, str]:
    if run.status is not RunStatus.COMPLETED or not (run.definition or {}).get(OUTPUT_DATA):
        return {}
    from mlrun_cli.actions.data_outputs import find_output_ids  # noqa: PLC0415 - start-up: few runs have data outputs

    return find_output_ids(workspace, run)


def prepare_for_display(workspace: Workspace, runs: Iterable[Run], not_responding_keys: frozenset[int]) -> list[Run]:
    """Return the runs with the status to display and, for waiting runs, the reason why they wait."""
    listed = list(runs)
    live = [run for run in listed if not run.status.is_terminal]
    if not live:
        return listed
    from mlrun_cli.runtime.waiting import find_wait_reasons  # noqa: PLC0415 - most lists are of runs that have ended

    waiting = find_wait_reasons(workspace, live)
    return [
        replace_status_if_not_responding(run, not_responding_keys)._replace(waiting_for=waiting.get(run.key))
        if run.status is not RunStatus.QUEUED
        else run._replace(waiting_for=waiting.get(run.key))
        for run in listed
    ]


def _check_changes(changes: RunChanges) -> None:
    properties = changes.properties or {}
    for key in (*changes.tags, *changes.removed_tags, *properties):
        check_tag_key(key)
    texts = {
        **{f"the value of the tag '{key}'": value for key, value in changes.tags.items()},
        **{f"the value of the property '{key}'": value for key, value in properties.items()},
        "the description": changes.description,
    }
    for what, text in texts.items():
        check_text(what, text or "")
    check_display_name(changes.display_name)


def normalize_filter(workspace: Workspace, run_filter: RunFilter) -> RunFilter:
    """Validate the texts and the size of a filter; return it with the full id of the parent run.

    Raises:
        RunNotFound: there is no such parent.
        UsageError: a value of the filter is not text.
        InvalidFilter: there are more conditions than a database supports.
    """
    if run_filter.condition_count > MAX_CONDITIONS:
        raise InvalidFilter(
            f"The filter has {run_filter.condition_count} words and values to compare with; {MAX_CONDITIONS} fit in.",
            hint="Leave some of them out.",
        )
    for tag in (*run_filter.tags, *run_filter.properties):
        check_text("the tag key", tag.key)
        for value in (tag.value, *tag.or_values):
            check_text(f"the value of the tag '{tag.key}'", value or "")
    texts = {
        "the compute target": run_filter.target,
        "the submitter": run_filter.submitter,
        "the experiment name": run_filter.experiment_name,
        "the run type": run_filter.run_type,
        "the text to search for": run_filter.text,
    }
    for what, text in texts.items():
        check_text(what, text or "")
    for metric in run_filter.metrics:
        check_text("the metric's name", metric.name)
    for parameter in run_filter.parameters:
        check_text("the parameter's name", parameter.name)
        check_text(f"the value of the parameter '{parameter.name}'", str(parameter.value))
    _check_where(run_filter.where)
    for value in chain.from_iterable(run_filter.any_of.values()):
        check_text("a value to choose from", value)
    if run_filter.parent_run_id is None:
        return run_filter
    return run_filter._replace(parent_run_id=workspace.runs.resolve_id(check_run_id(run_filter.parent_run_id)))


def _check_where(where: Condition | None) -> None:
    if where is None:
        return
    from mlrun_cli.runs.where.condition import iterate_predicates  # noqa: PLC0415 - start-up

    for predicate in iterate_predicates(where):
        check_text("a name in the condition", predicate.name.name)
        for value in predicate.values:
            check_text(f"a value that '{predicate.name}' is compared with", str(value))


def reload_run(workspace: Workspace, run: Run) -> Run:
    """Return the current version of a run from the store.

    Raises:
        RunNotFound: the run has been deleted.
    """
    try:
        return workspace.runs.get_by_key(run.key)
    except RunNotFound:
        raise RunNotFound(run.run_id, workspace.identity.name) from None


def _get_latest_run(workspace: Workspace, experiment_name: str | None) -> Run:
    newest = workspace.runs.list(RunFilter(experiment_name=experiment_name, last=1))
    if not newest:
        where = "workspace" if experiment_name is None else f"experiment '{experiment_name}'"
        raise NoRunsYet(where)
    return newest[0]


def get_predecessor(workspace: Workspace, run_id: str, attached_experiment: str | None = None) -> Run:
    """Return the run, given by id, display name or `@latest`, after whose completion a new run is to start.

    Raises:
        RunNotFound: there is no such run.
        RunEnded: it has ended without being completed, so the new run would never start.
    """
    (run,) = get_runs(workspace, [run_id], attached_experiment=attached_experiment, by_display_name=True)
    if run.status.is_terminal and run.status is not RunStatus.COMPLETED:
        raise RunEnded(
            f"The run '{run.run_id}' is {run.status.value}, so a run after it would never start.",
            hint="Leave it out, or name a run that has completed or has not ended.",
            target="--after",
        )
    return run


def _find_run_by_name(
    workspace: Workspace, name: str, preferred_experiment: str | None, experiment_name: str | None
) -> Run | None:
    """Return the only run with a display name, or None if there is none.

    Args:
        workspace: the workspace of the runs.
        name: the display name.
        preferred_experiment: the experiment that is searched first; None means all at once.
        experiment_name: the only experiment that is searched; None means any.

    Raises:
        AmbiguousRunId: several runs have it.
    """
    keys = workspace.runs.list_keys_with_display_name(name, preferred_experiment)
    if not keys and preferred_experiment != experiment_name:
        keys = workspace.runs.list_keys_with_display_name(name, None)
    if len(keys) > 1:
        raise AmbiguousRunId(name, [run.run_id for run in workspace.runs.list_by_keys(keys)], is_display_name=True)
    return workspace.runs.get_by_key(keys[0]) if keys else None


def _check_name_is_not_elsewhere(
    workspace: Workspace, error: UsageError | RunNotFound, name: str, experiment_name: str
) -> None:
    """Raise RunNotFound, which names the other experiments, if a display name exists in others than this one.

    Do nothing if the error says more about an id: that several begin so, or where its run is.
    """
    if not name.strip() or isinstance(error, AmbiguousRunId) or (isinstance(error, RunNotFound) and error.is_elsewhere):
        return
    keys = workspace.runs.list_keys_with_display_name(name, None)
    others = dict.fromkeys(run.experiment_name for run in workspace.runs.list_by_keys(keys)) if keys else {}
    if others:
        raise RunNotFound(name, other_experiments=(experiment_name, *others))


def _add_deletion_hint(workspace: Workspace, error: MlrunError, run_id: str) -> None:
    """Change the hint of the error for an id or name that no run has, if a deleted run has it."""
    import shlex  # noqa: PLC0415 - start-up

    trash = workspace.trash
    if not isinstance(error, RunNotFound) or error.is_elsewhere:
        return
    if trash.list_ids_by_prefix(run_id) or trash.list_ids_by_display_name(run_id):
        error.hint = f"It was deleted; restore it: mlrun run restore -r {shlex.quote(run_id)}"


def _get_run(workspace: Workspace, run_id: str, experiment_name: str | None) -> Run:
    try:
        run = workspace.runs.get(workspace.runs.resolve_id(check_run_id(run_id)))
    except RunNotFound:
        raise RunNotFound(run_id, workspace.identity.name) from None
    if experiment_name is not None and run.experiment_name != experiment_name:
        raise RunNotFound(run_id, other_experiments=(experiment_name, run.experiment_name))
    return run
