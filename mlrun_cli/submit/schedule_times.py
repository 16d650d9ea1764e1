"""The due times of schedules, and the records of the runs to submit for them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.actions.schedules import check_settings_are_readable
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import MlrunError, NotFound, StoreError
from mlrun_cli.pipelines.schedule import POLLING_MINUTES, Schedule, ScheduledRun
from mlrun_cli.pipelines.watched_files import list_changed_files, scan_watched_files
from mlrun_cli.workspace import Workspace


def record_due_runs(workspace: Workspace, timestamp: int) -> None:
    """Record a run for each schedule that is due, and set the next time of the schedule.

    Times that have passed meanwhile, as while the machine slept, give one run together. Of several processes that call
    this, one records the run. A schedule whose time cannot be taken, as if its watched files cannot be listed, is
    postponed with its problem, and keeps no other from its time.

    Raises:
        StoreError: the store cannot be used.
    """
    for schedule in workspace.schedules.list_due_schedules(timestamp):
        try:
            _record_due_run(workspace, schedule, timestamp)
        except StoreError:
            raise
        except (MlrunError, OSError) as problem:
            _postpone(workspace, schedule, timestamp, str(problem))
        except Exception as problem:
            log_exception()
            _postpone(workspace, schedule, timestamp, f"{type(problem).__name__}: {problem}")


def _record_due_run(workspace: Workspace, schedule: Schedule, timestamp: int) -> None:
    check_settings_are_readable(schedule)
    due_at = schedule.next_at or timestamp
    seen, parameters = None, {}
    is_run_due = True
    if schedule.settings.datastore is not None:
        seen, changed = _detect_changed_files(workspace, schedule)
        is_run_due = bool(changed)
        parameters = _build_parameters(schedule, changed)
    next_at = schedule.settings.compute_next_time(timestamp, schedule.anchor_at)
    with workspace.transaction(durable=True):
        if not workspace.schedules.advance(schedule, next_at, seen):
            return
        workspace.schedules.clear_problem(schedule.schedule_id)
        if is_run_due:
            run = ScheduledRun(generate_guid(), schedule.schedule_id, due_at, parameters)
            workspace.schedules.add_run(run)


def _postpone(workspace: Workspace, schedule: Schedule, timestamp: int, problem: str) -> None:
    """Record why a due schedule could not be handled, and postpone it by some minutes."""
    write_log(f"the schedule {schedule.schedule_id} is postponed: {problem}")
    with workspace.transaction(durable=True):
        if workspace.schedules.postpone(schedule, timestamp + POLLING_MINUTES * 60 * MICROSECONDS):
            workspace.schedules.set_problem(schedule.schedule_id, timestamp, problem)


def _detect_changed_files(workspace: Workspace, schedule: Schedule) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the current state of the watched files, and the paths of files changed since the last check."""
    settings = schedule.settings
    before = workspace.schedules.get_seen_files(schedule.schedule_id)
    try:
        folder = get_datastore(workspace, settings.datastore).resolve_path(settings.path_on_datastore)
    except NotFound:  # a datastore that has been removed, or whose disk is not there
        return before or {}, []
    found = scan_watched_files(folder, with_subfolders=settings.path_on_datastore is None)
    return found, [] if before is None else list_changed_files(before, found)


def _build_parameters(schedule: Schedule, changed_paths: Sequence[str]) -> dict[str, Any]:
    """Return the data path parameter, if any, as a dict: the changed file, or the deepest common folder of several."""
    settings = schedule.settings
    if settings.data_path_parameter is None or not changed_paths:
        return {}
    inner = (
        changed_paths[0]
        if len(changed_paths) == 1
        else posixpath.commonpath([posixpath.dirname(one) for one in changed_paths])
    )
    path = "/".join(part for part in (settings.path_on_datastore, inner) if part)
    return {settings.data_path_parameter: {"datastore": settings.datastore, "path": path}}
