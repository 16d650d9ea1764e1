"""List, show, update, cancel, await and delete runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from mlrun_cli.core.disk_room import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.names import check_run_id, check_tag_key, check_text
from mlrun_cli.core.removal import remove_tree
from mlrun_cli.core.time import now
from mlrun_cli.errors import (
    InvalidFilter,
    MlrunError,
    NoRunsYet,
    PropertyImmutable,
    RunEnded,
    RunNotEnded,
    RunNotFound,
    RunProtected,
    TimedOut,
)
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.filter import MOST_CONDITIONS, RunFilter
from mlrun_cli.runs.record import run_details
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.liveness import find_awaited_room, mark_not_responding, reconcile
from mlrun_cli.runtime.queue import QueueReport, wake_dispatchers
from mlrun_cli.snapshots.snapshot import some
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace

LATEST = "@latest"
"""So many words, tags, properties and metrics a filter may have."""

_SHOWN_NAMES = 10
_UNASKED = ALIVE_STATUSES - {RunStatus.CANCEL_REQUESTED}
_LOOK_SECONDS = 0.05
_RECONCILE_SECONDS = 1.0
_RECORDING_SECONDS = 5.0


class RunChanges(NamedTuple):
    """What `update_runs` is to change; None leaves a text, or whether the run is kept, as it is."""

    tags: Mapping[str, str | None]
    removed_tags: Sequence[str] = ()
    properties: Mapping[str, str] | None = None
    display_name: str | None = None
    description: str | None = None
    is_kept: bool | None = None


def list_runs(workspace: Workspace, which: RunFilter) -> Sequence[Run]:
    """The runs that are meant, newest first, each with its true status.

    Raises:
        RunNotFound: the filter names a parent that is not there.
        UsageError: something in it is no text.
    """
    which = resolve_filter(workspace, which)
    return as_shown(workspace, workspace.runs.list(which), which.not_responding)


def resolve_filter(workspace: Workspace, which: RunFilter) -> RunFilter:
    """Return the filter as the store takes it, after reconciliation, with the keys of runs that do not respond.

    Raises:
        RunNotFound: it names a parent that is not there.
        UsageError: something in it is no text.
    """
    return meant_filter(workspace, which)._replace(not_responding=reconcile(workspace))


def get_runs(
    workspace: Workspace,
    run_ids: Iterable[str],
    *,
    experiment_name: str | None = None,
    attached_experiment: str | None = None,
) -> Sequence[Run]:
    """The runs of some ids, each once, with their true status.

    Args:
        workspace: where they are.
        run_ids: each a whole id, the unique beginning of one, or `@latest` for the newest.
        experiment_name: the experiment they have to be in; None means any.
        attached_experiment: the one whose newest run `@latest` is, when none was named; None means any.

    Raises:
        NotFound: there is no such run.
        AmbiguousRunId: several begin like this.
    """
    not_responding = reconcile(workspace)
    latest_of = experiment_name or attached_experiment
    found = [
        _latest(workspace, latest_of) if run_id == LATEST else _get(workspace, run_id, experiment_name)
        for run_id in run_ids
    ]
    return as_shown(workspace, {run.key: run for run in found}.values(), not_responding)


def get_reconciled_runs(workspace: Workspace, runs: Iterable[Run]) -> Sequence[Run]:
    """Return these runs with their true status."""
    not_responding = reconcile(workspace)
    return as_shown(workspace, [workspace.runs.get_by_key(run.key) for run in runs], not_responding)


def update_runs(workspace: Workspace, runs: Sequence[Run], changes: RunChanges) -> Sequence[Run]:
    """Change tags, name and description of runs, add properties: all of it or nothing.

    Raises:
        UsageError: a key or a text is not valid, or a property that exists was to get another value.
        RunNotFound: one of the runs has been deleted meanwhile.
    """
    _check_changes(changes)
    wanted = {
        "display_name": changes.display_name,
        "description": changes.description,
        "is_kept": None if changes.is_kept is None else int(changes.is_kept),
    }
    columns = {name: value for name, value in wanted.items() if value is not None}
    with workspace.transaction():
        for run in runs:
            _again(workspace, run)
            _add_properties(workspace, run, changes.properties or {})
            workspace.runs.set_tags(run.key, changes.tags)
            workspace.runs.remove_tags(run.key, changes.removed_tags)
            if columns:
                workspace.runs.update(run.key, **columns)
    return [_updated(workspace, run) for run in runs]


def _updated(workspace: Workspace, run: Run) -> Run:
    """The run as it is now; one that does not respond keeps that status until it has ended."""
    updated = _again(workspace, run)
    is_lost = run.status is RunStatus.NOT_RESPONDING and not updated.status.is_terminal
    return updated._replace(status=run.status) if is_lost else updated


def add_properties(workspace: Workspace, run: Run, properties: Mapping[str, str]) -> None:
    """Add properties to a run: all of them or none.

    Raises:
        UsageError: one that exists was to get another value; says which.
    """
    with workspace.transaction(durable=True):
        _add_properties(workspace, run, properties)


def _add_properties(workspace: Workspace, run: Run, properties: Mapping[str, str]) -> None:
    conflicts = workspace.runs.add_properties(run.key, properties)
    if conflicts:
        name, value = next(iter(conflicts.items()))
        wanted = workspace.redaction.document(properties)[name]
        raise PropertyImmutable(
            f"The property '{name}' of the run '{run.run_id}' is already '{value}', and cannot become '{wanted}'.",
            hint="Properties are written once; use a tag for what may change.",
            target=name,
        )


def get_run_details(workspace: Workspace, run: Run) -> dict[str, Any]:
    """The run as `Run.get_details()` gives it, with the addresses of its logs."""
    logs = {name: path.as_uri() for name, path in workspace.run_folder(run.run_id).log_files().items()}
    return run_details(run, logs)


def fail_run(workspace: Workspace, run: Run, error: Mapping[str, Any]) -> Run:
    """Have the script of a run stopped, if there is one, and the run recorded as Failed with this error.

    Returns when it has ended, or the usual grace is over.

    Raises:
        UsageError: the run has ended otherwise.
    """
    with workspace.transaction(durable=True):
        run = _again(workspace, run)
        if run.status is RunStatus.FAILED:
            return run
        if run.status.is_terminal:
            raise RunEnded(
                f"The run '{run.run_id}' has ended as {run.status.value}, and cannot fail any more.",
                hint="Use a tag to mark it as not to be used.",
                target=run.run_id,
            )
        is_done = _stop(workspace, run, GRACE_SECONDS, error)
    _notify_owner(workspace, run, is_done=is_done)
    if is_done:
        return _again(workspace, run)
    with suppress(TimedOut):
        wait_for_runs(workspace, [run], GRACE_SECONDS + _RECORDING_SECONDS)
    ended = _again(workspace, run)
    if ended.status.is_terminal and ended.status is not RunStatus.FAILED:
        raise RunEnded(
            f"The run '{run.run_id}' has meanwhile ended as {ended.status.value}, and cannot fail any more.",
            hint="Use a tag to mark it as not to be used.",
            target=run.run_id,
        )
    return ended


def cancel_run(workspace: Workspace, run: Run, grace_seconds: float, *, wakes: bool = True) -> Run:
    """Ask a run to stop; returns at once with its status, which is as it was when the run had ended.

    A run without a script of its own is Canceled at once: there is nobody to be asked.

    Args:
        workspace: where it is.
        run: which one.
        grace_seconds: between SIGTERM and SIGKILL.
        wakes: have its supervisor look at once.

    Raises:
        RunNotFound: it has been deleted meanwhile.
    """
    with workspace.transaction(durable=True):
        is_done = _stop(workspace, run, grace_seconds, None)
    if wakes or is_done:
        _notify_owner(workspace, run, is_done=is_done)
    return _again(workspace, run)


def _stop(workspace: Workspace, run: Run, grace_seconds: float, error: Mapping[str, Any] | None) -> bool:
    """Ask, within a transaction, that a run ends as Canceled, or as Failed with an error; whether it has ended by that.

    It has where there is nobody to be asked.
    """
    runs = workspace.runs
    outcome = RunStatus.CANCELED if error is None else RunStatus.FAILED
    nobody_to_ask = {RunStatus.QUEUED} if run.owner_lock is None else ALIVE_STATUSES
    if runs.change_status(run.key, nobody_to_ask, outcome, ended_at=now(), error=error):
        _forget_secrets(workspace, run)
        return True
    if not runs.change_status(run.key, _UNASKED, RunStatus.CANCEL_REQUESTED, cancel_grace_seconds=grace_seconds):
        runs.update(run.key, cancel_grace_seconds=grace_seconds)
    if error is not None:
        runs.update(run.key, failed_with=error)
    return False


def _notify_owner(workspace: Workspace, run: Run, *, is_done: bool) -> None:
    """Tell the run's supervisor that it is to stop; or where it had none, whoever starts those behind it."""
    if not is_done:
        find_target(workspace, run.target).cancel(run)
    elif run.owner_lock is None:
        wake_dispatchers(workspace)


def _forget_secrets(workspace: Workspace, run: Run) -> None:
    """Of a run that had no supervisor; before its end is stored, since nobody looks after a run that has ended.

    Killed in between, this leaves a run without them, which is Canceled when its turn comes.
    """
    workspace.run_folder(run.run_id).secrets.unlink(missing_ok=True)


def wait_for_runs(
    workspace: Workspace,
    runs: Sequence[Run],
    timeout_seconds: float | None,
    watch: Callable[[Mapping[str, RunStatus]], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Sequence[Run]:
    """The runs when all have ended.

    Args:
        workspace: where they are.
        runs: what is waited for.
        timeout_seconds: at most; None for as long as it takes.
        watch: called again and again with the statuses of those that go on, by run id.
        say: told, once for each, of those that cannot end for want of room.

    Raises:
        TimedOut: the time ran out; the message names those that go on.
        RunNotFound: one has been deleted meanwhile.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    waiting = {run.key: run for run in runs}
    told: set[int] = set()
    next_reconciliation = 0.0
    while waiting:
        if time.monotonic() >= next_reconciliation:
            reconcile(workspace)
            next_reconciliation = time.monotonic() + _RECONCILE_SECONDS
            full = describe_full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
            for key, run in waiting.items():
                if key not in told and (room := find_awaited_room(workspace, run, full)) is not None:
                    say(f"{run.run_id} waits for {room}.")
                    told.add(key)
        statuses: dict[str, RunStatus] = {}
        for key, run in list(waiting.items()):
            status = workspace.runs.find_status(key)
            if status is None or status.is_terminal:
                del waiting[key]
            else:
                statuses[run.run_id] = status
        if watch is not None:
            watch(statuses)
        if waiting and deadline is not None and time.monotonic() >= deadline:
            names = ", ".join(run.run_id for run in waiting.values())
            raise TimedOut(
                f"The time of {timeout_seconds:g} s has run out; still going: {names}.",
                hint="Use 'mlrun run wait' to go on waiting, or 'mlrun run cancel' to stop a run.",
            )
        if waiting:
            time.sleep(_LOOK_SECONDS)
    return [_again(workspace, run) for run in runs]


def count_running_children(workspace: Workspace, canceled: Sequence[Run]) -> Mapping[str, int]:
    """How many runs below canceled ones have not been asked to stop and do not end with them, by their parents' ids.

    What a script has opened itself ends with it. Those below a run that goes on are not counted.
    """
    ending = {f"runs/{run.run_id}" for run in canceled}
    going: dict[str, str | None] = {}
    for run in canceled:
        which = RunFilter(parent_run_id=run.run_id, is_recursive=True, statuses=_UNASKED)
        below = reversed(workspace.runs.list(which))
        going.update((child.run_id, child.parent_run_id) for child in below if child.owner_lock not in ending)
    return Counter(parent for parent in going.values() if parent is not None and parent not in going)


def list_with_children(workspace: Workspace, runs: Sequence[Run]) -> Sequence[Run]:
    """The runs and all that are below them, each once."""
    found: dict[int, Run] = {}
    for run in runs:
        found.setdefault(run.key, run)
        for below in workspace.runs.list(RunFilter(parent_run_id=run.run_id, is_recursive=True)):
            found.setdefault(below.key, below)
    return list(found.values())


def delete_runs(workspace: Workspace, runs: Sequence[Run], *, force: bool = False) -> None:
    """Forget ended runs for good, with their files, metrics, tags and logs.

    Args:
        workspace: where they are.
        runs: which; those below others come after them.
        force: delete also those that are kept, or that a registered model comes from.

    Raises:
        UsageError: one of them has not ended, or is to be spared; then nothing is deleted.
        MlrunError: files of one cannot be removed; that run stays, and the rest goes.
    """
    live = [run.run_id for run in runs if not run.status.is_terminal]
    if live:
        raise RunNotEnded(
            f"Runs have not ended: {', '.join(live)}.",
            hint="Cancel them first ('mlrun run cancel'), or wait.",
            target=live[0],
        )
    spared = {} if force else workspace.retention.explain_spared([run.run_id for run in runs])
    if spared:
        reasons = [f"{run_id} ({why})" for run_id, why in spared.items()]
        raise RunProtected(
            f"Nothing was deleted, because runs are protected: {some(reasons, _SHOWN_NAMES)}.",
            hint="Add --force to delete them too.",
        )
    stayed = []
    for run in runs:
        folder = workspace.run_folder(run.run_id).path
        try:
            remove_tree(folder)
        except OSError as error:
            stayed.append(f"{folder} ({error.filename}: {error.strerror})")
            continue
        workspace.checkpoint_if_disk_is_full()
        with workspace.transaction(durable=True):
            workspace.runs.delete(run.key)
    if stayed:
        raise MlrunError(
            f"{len(stayed)} of {len(runs)} runs were not deleted, because their folders cannot be removed:"
            f" {some(stayed, _SHOWN_NAMES)}.",
            hint="Remove what stands in the way ('ls -la', 'mount'), and delete them again.",
        )


def as_shown(workspace: Workspace, runs: Iterable[Run], not_responding: frozenset[int]) -> list[Run]:
    """The runs as they are to be shown, those that wait with what they wait for."""
    report = QueueReport(workspace)
    full = describe_full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
    return [
        run._replace(waiting_for=report.waiting_for(run))
        if run.status is RunStatus.QUEUED
        else mark_not_responding(run, not_responding)._replace(waiting_for=find_awaited_room(workspace, run, full))
        for run in runs
    ]


def _check_changes(changes: RunChanges) -> None:
    properties = changes.properties or {}
    for key in (*changes.tags, *changes.removed_tags, *properties):
        check_tag_key(key)
    texts = {
        **{f"the value of the tag '{key}'": value for key, value in changes.tags.items()},
        **{f"the value of the property '{key}'": value for key, value in properties.items()},
        "the display name": changes.display_name,
        "the description": changes.description,
    }
    for what, text in texts.items():
        check_text(what, text or "")


def meant_filter(workspace: Workspace, which: RunFilter) -> RunFilter:
    """The filter with the whole id of the parent it names.

    Raises:
        RunNotFound: there is no such parent.
        UsageError: something in it is not text.
        InvalidFilter: there are more conditions than a database takes.
    """
    if which.condition_count > MOST_CONDITIONS:
        raise InvalidFilter(
            f"The filter has {which.condition_count} words, tags, properties and metrics; {MOST_CONDITIONS} fit in.",
            hint="Leave some of them out.",
        )
    for tag in (*which.tags, *which.properties):
        check_text("the tag key", tag.key)
        for value in (tag.value, *tag.or_values):
            check_text(f"the value of the tag '{tag.key}'", value or "")
    texts = {
        "the compute target": which.target,
        "the submitter": which.submitter,
        "the experiment name": which.experiment_name,
        "the run type": which.run_type,
        "the text to search for": which.text,
    }
    for what, text in texts.items():
        check_text(what, text or "")
    for metric in which.metrics:
        check_text("the metric's name", metric.name)
    for value in chain.from_iterable(which.any_of.values()):
        check_text("a value to choose from", value)
    if which.parent_run_id is None:
        return which
    return which._replace(parent_run_id=workspace.runs.resolve(check_run_id(which.parent_run_id)))


def _again(workspace: Workspace, run: Run) -> Run:
    """The run as it is by now."""
    try:
        return workspace.runs.get_by_key(run.key)
    except RunNotFound:
        raise RunNotFound(run.run_id, workspace.identity.name) from None


def _latest(workspace: Workspace, experiment_name: str | None) -> Run:
    newest = workspace.runs.list(RunFilter(experiment_name=experiment_name, last=1))
    if not newest:
        where = "workspace" if experiment_name is None else f"experiment '{experiment_name}'"
        raise NoRunsYet(where)
    return newest[0]


def _get(workspace: Workspace, run_id: str, experiment_name: str | None) -> Run:
    try:
        run = workspace.runs.get(workspace.runs.resolve(check_run_id(run_id)))
    except RunNotFound:
        raise RunNotFound(run_id, workspace.identity.name) from None
    if experiment_name is not None and run.experiment_name != experiment_name:
        raise RunNotFound(run_id, elsewhere=(experiment_name, run.experiment_name))
    return run
