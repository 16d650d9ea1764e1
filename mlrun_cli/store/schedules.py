"""Schedules in the database: every SQL statement about them is in this file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlrun_cli.errors import MlrunError
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.published import ACTIVE, DISABLED
from mlrun_cli.pipelines.schedule import Schedule, ScheduledRun, ScheduleSettings
from mlrun_cli.store.db.database import Database, Row
from mlrun_cli.store.id_prefixes import list_ids_by_prefix


class ScheduleStore:
    """Reads and writes schedules and the runs that they submit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, schedule: Schedule) -> None:
        """Insert a schedule."""
        self._database.execute(
            "INSERT INTO schedules"
            " (schedule_id, status, pipeline_id, endpoint_id, created_at, anchor_at, next_at, settings)"
            " VALUES (:schedule_id, :status, :pipeline_id, :endpoint_id, :created_at, :anchor_at, :next_at, :settings)",
            **_build_columns(schedule),
        )

    def replace(self, schedule: Schedule, expected: Schedule) -> bool:
        """Overwrite a schedule and forget its seen files; return False if the stored one differs from `expected`."""
        changed = self._database.execute(
            "UPDATE schedules SET status = :status, pipeline_id = :pipeline_id, endpoint_id = :endpoint_id,"
            " created_at = :created_at, anchor_at = :anchor_at, next_at = :next_at, settings = :settings,"
            " seen_files = NULL"
            " WHERE schedule_id = :schedule_id AND settings = :before_settings AND status = :before_status",
            **_build_columns(schedule),
            before_settings=_to_json(expected.settings.to_json()),
            before_status=expected.status,
        )
        return bool(changed)

    def replace_settings(self, schedule: Schedule, settings: ScheduleSettings) -> bool:
        """Replace a schedule's settings, in the caller's transaction; return False if they have changed meanwhile.

        SQLite leaves the bytes of a replaced text in its file, except where a text of the same length overwrites them.
        """
        before = _to_json(schedule.settings.to_json())
        blank = " " * len(before.encode())
        is_same = self._database.execute(
            "UPDATE schedules SET settings = :blank WHERE schedule_id = :id AND settings = :before",
            blank=blank,
            id=schedule.schedule_id,
            before=before,
        )
        self._database.execute(
            "UPDATE schedules SET settings = :settings WHERE schedule_id = :id AND settings = :blank",
            settings=_to_json(settings.to_json()),
            id=schedule.schedule_id,
            blank=blank,
        )
        return bool(is_same)

    def find(self, schedule_id: str) -> Schedule | None:
        """Return the schedule with this id, or None if there is none."""
        row = self._database.row("SELECT * FROM schedules WHERE schedule_id = :id", id=schedule_id)
        return None if row is None else _build_schedule(row)

    def list_ids(self, prefix: str) -> Sequence[str]:
        """Return the first few ids that start with a prefix, in alphabetical order."""
        return list_ids_by_prefix(self._database, "schedules", "schedule_id", prefix)

    def list(
        self, *, active_only: bool, pipeline_id: str | None = None, endpoint_id: str | None = None
    ) -> Sequence[Schedule]:
        """Return the schedules, optionally of one pipeline or endpoint, newest first."""
        rows = self._database.rows(
            "SELECT * FROM schedules WHERE (status = :active OR :all)"
            " AND (:pipeline IS NULL OR pipeline_id = :pipeline) AND (:endpoint IS NULL OR endpoint_id = :endpoint)"
            " ORDER BY created_at DESC, schedule_id",
            active=ACTIVE,
            all=not active_only,
            pipeline=pipeline_id,
            endpoint=endpoint_id,
        )
        return [_build_schedule(row) for row in rows]

    # Times and runs

    def has_active_schedules_or_pending_runs(self) -> bool:
        """Return whether any schedule is active or any run is waiting to be submitted."""
        row = self._database.row(
            "SELECT EXISTS (SELECT 1 FROM schedules WHERE next_at IS NOT NULL)"
            " OR EXISTS (SELECT 1 FROM scheduled_runs WHERE is_pending = 1) AS has_work"
        )
        return row is not None and bool(row["has_work"])

    def find_next_due_time(self) -> int | None:
        """Return the earliest time at which a schedule is due, or None if none is active."""
        row = self._database.row("SELECT min(next_at) AS next_at FROM schedules WHERE next_at IS NOT NULL")
        return None if row is None or row["next_at"] is None else int(row["next_at"])

    def list_due_schedules(self, now: int) -> Sequence[Schedule]:
        """Return the schedules that are due at a time, earliest first."""
        rows = self._database.rows(
            "SELECT * FROM schedules WHERE next_at <= :moment ORDER BY next_at, schedule_id", moment=now
        )
        return [_build_schedule(row) for row in rows]

    def advance(self, schedule: Schedule, next_at: int, seen_files: Mapping[str, Any] | None) -> bool:
        """Set a schedule's next due time and seen files; return False if another process has already set them."""
        changed = self._database.execute(
            "UPDATE schedules SET next_at = :next_at, seen_files = :files"
            " WHERE schedule_id = :id AND next_at = :due_at AND status = :active",
            next_at=next_at,
            files=None if seen_files is None else _to_json(seen_files),
            id=schedule.schedule_id,
            due_at=schedule.next_at,
            active=ACTIVE,
        )
        return bool(changed)

    def postpone(self, schedule: Schedule, next_at: int) -> bool:
        """Change only the next due time of a schedule; return False if another process has changed the schedule."""
        changed = self._database.execute(
            "UPDATE schedules SET next_at = :next_at"
            " WHERE schedule_id = :id AND next_at = :due_at AND status = :active",
            next_at=next_at,
            id=schedule.schedule_id,
            due_at=schedule.next_at,
            active=ACTIVE,
        )
        return bool(changed)

    def disable(self, schedule_id: str) -> None:
        """Disable a schedule, whether or not its settings can be read."""
        self._database.execute(
            "UPDATE schedules SET status = :disabled, next_at = NULL WHERE schedule_id = :id",
            disabled=DISABLED,
            id=schedule_id,
        )

    def get_seen_files(self, schedule_id: str) -> Mapping[str, Any] | None:
        """Return the files that a schedule found at its last check, or None before the first one.

        A record of them that cannot be read is as good as none: the next check remembers what there is.
        """
        row = self._database.row("SELECT seen_files FROM schedules WHERE schedule_id = :id", id=schedule_id)
        return None if row is None else _parse_object(row["seen_files"])

    def add_run(self, run: ScheduledRun) -> None:
        """Insert a run that is waiting to be submitted."""
        self._database.execute(
            "INSERT INTO scheduled_runs (run_id, schedule_id, due_at, parameters, is_pending)"
            " VALUES (:run_id, :schedule_id, :due_at, :parameters, 1)",
            run_id=run.run_id,
            schedule_id=run.schedule_id,
            due_at=run.due_at,
            parameters=_to_json(run.parameters or {}),
        )

    def set_problem(self, schedule_id: str, due_at: int, error: str) -> None:
        """Record the error that prevented a schedule from being handled, as a run with the schedule's id."""
        self._database.execute(
            "INSERT INTO scheduled_runs (run_id, schedule_id, due_at, parameters, is_pending, error)"
            " VALUES (:id, :id, :moment, '{}', 0, :error)"
            " ON CONFLICT (run_id) DO UPDATE SET due_at = excluded.due_at, error = excluded.error",
            id=schedule_id,
            moment=due_at,
            error=error,
        )

    def clear_problem(self, schedule_id: str) -> None:
        """Remove the error that `set_problem` recorded."""
        self._database.execute("DELETE FROM scheduled_runs WHERE run_id = :id", id=schedule_id)

    def list_pending_runs(self) -> Sequence[ScheduledRun]:
        """Return the runs that are waiting to be submitted, earliest first."""
        rows = self._database.rows("SELECT * FROM scheduled_runs WHERE is_pending = 1 ORDER BY due_at, run_id")
        return [_build_run(row) for row in rows]

    def record_wait(self, run_id: str, error: str) -> bool:
        """Record the reason why a run waits to be submitted; return False if it is already recorded."""
        changed = self._database.execute(
            "UPDATE scheduled_runs SET error = :error"
            " WHERE run_id = :id AND is_pending = 1 AND (error IS NULL OR error != :error)",
            error=error,
            id=run_id,
        )
        return bool(changed)

    def record_submit_result(self, run_id: str, error: str | None) -> None:
        """Record that a run has been submitted, or the error that prevented this."""
        self._database.execute(
            "UPDATE scheduled_runs SET is_pending = 0, error = :error WHERE run_id = :id", error=error, id=run_id
        )

    def find_newest_run(self, schedule_id: str) -> ScheduledRun | None:
        """Return a schedule's run with the latest due time, even if its submission failed, or None if there is none."""
        row = self._database.row(
            "SELECT * FROM scheduled_runs WHERE schedule_id = :id ORDER BY due_at DESC, run_id LIMIT 1", id=schedule_id
        )
        return None if row is None else _build_run(row)

    def list_runs(self, schedule_id: str) -> Sequence[ScheduledRun]:
        """Return the runs of a schedule, including pending ones and failed submissions, latest due time first."""
        rows = self._database.rows(
            "SELECT * FROM scheduled_runs WHERE schedule_id = :id ORDER BY due_at DESC, run_id", id=schedule_id
        )
        return [_build_run(row) for row in rows]


def _build_columns(schedule: Schedule) -> dict[str, object]:
    settings = schedule.settings
    ids = {"pipeline_id": settings.pipeline_id, "endpoint_id": settings.endpoint_id}
    return {**schedule._asdict(), **ids, "settings": _to_json(settings.to_json())}


def _to_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def _build_schedule(row: Row) -> Schedule:
    fields = {name: row[name] for name in Schedule._fields if name not in {"settings", "unreadable"}}
    try:
        settings = ScheduleSettings.from_json(JsonReader(json.loads(row["settings"]), "schedule"))
        return Schedule(**fields, settings=settings)
    except (MlrunError, TypeError, ValueError) as error:  # one must not hide the others
        named = ScheduleSettings(
            name=_get_display_name(row),
            experiment_name="",
            pipeline_id=row["pipeline_id"],
            endpoint_id=row["endpoint_id"],
        )
        problem = f"The schedule cannot be read: {error.message if isinstance(error, MlrunError) else error}"
        return Schedule(**fields, settings=named, unreadable=problem)


def _get_display_name(row: Row) -> str:
    """Return the name of a schedule that cannot be read, or its id if that cannot be read either."""
    name = (_parse_object(row["settings"]) or {}).get("name")
    return name if isinstance(name, str) else str(row["schedule_id"])


def _build_run(row: Row) -> ScheduledRun:
    fields = {name: row[name] for name in ScheduledRun._fields if name != "parameters"}
    return ScheduledRun(**fields, parameters=_parse_object(row["parameters"]))


def _parse_object(text: Any) -> dict[str, Any] | None:
    """Return the JSON object in a stored text, or None if the text is not a JSON object."""
    with suppress(TypeError, ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else None
    return None
