"""A run on a node from the point of view of the collector: its events, journals and end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.collector.folder_refresh import refresh_folder
from mlrun_cli.collector.request_relay import RequestRelay
from mlrun_cli.collector.run_liveness import HeartbeatEvidence, OutcomeEvidence
from mlrun_cli.core.json_lines import list_json_lines_files, read_json_lines
from mlrun_cli.metrics.journal import CHUNK_BYTES, get_journal_attempt
from mlrun_cli.runs.attempt import get_attempt_number, parse_attempts
from mlrun_cli.runs.events import (
    FOLDER,
    AttemptEvent,
    Event,
    FilesEvent,
    OutcomeEvent,
    PropertiesEvent,
    StartEvent,
    StatusEvent,
    is_attempt_event,
    parse_event,
)
from mlrun_cli.runs.heartbeat import HeartbeatReader
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run, SupervisorColumns
from mlrun_cli.runs.run_redaction import read_run_redactor
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.attempts import store_attempt_begun_on_node
from mlrun_cli.runtime.finish import get_script_lock_name, read_outcome, record_outcome, run_or_log, write_outcome
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.runtime.run_transaction import get_journal_offsets, get_run_or_trashed, open_run_transaction
from mlrun_cli.runtime.tracked_outputs import save_all_outputs
from mlrun_cli.supervisor.output_registration import load_output_registration
from mlrun_cli.workspace import Workspace

_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS, _GROWTH = 0.1, 1.0, 1.3
_FRESH_SECONDS = 20.0
"""The age up to which a heartbeat, written every 5 seconds, is fresh."""
_JOURNALS_SECONDS = 90.0
"""How long the journals may lag behind the outcome: longer than any cache of a network file system."""
NODE_PROPERTY = "node"


class CollectedRun:
    """A live run with a shared folder, whose contents are stored exactly once.

    Attributes:
        run: the run as last read from the store.
        shared: its folder in the shared folder.
        has_started: whether a supervisor has written an event.
        job_id: the id of the job that has started the supervisor, if that knows it.
        start_seen_at: the monotonic time at which the last start of a supervisor was seen; None before the first.
        next_poll: the monotonic time of the next poll.
    """

    def __init__(self, workspace: Workspace, run: Run, shared: SharedRunFolder, relay: RequestRelay) -> None:
        self.run = run
        self.shared = shared
        self.has_started = False
        self.job_id = ""
        self.start_seen_at: float | None = None
        self.next_poll = 0.0
        self._workspace = workspace
        self._relay = relay
        self._folder = workspace.get_run_folder(run.run_id)
        self._redactor = read_run_redactor(shared, workspace.redactor)
        self._reader = JournalReader(workspace, shared.journal, run.key, self._redactor, is_shared=True)
        self._reload_run()
        self._register_outputs = load_output_registration(run)
        self._offsets: dict[str, int] = dict(get_journal_offsets(workspace, run.key))
        self._outcome: OutcomeEvent | None = None
        self._heartbeat = HeartbeatReader(shared)
        self._interval = _FIRST_PAUSE_SECONDS
        self._ended_since: float | None = None
        self._attempt_ended_since: float | None = None
        self._restore_known_state()

    @property
    def outcome_evidence(self) -> OutcomeEvidence:
        """The kind of outcome in the run's events: none, interrupted or final."""
        if self._outcome is None:
            return OutcomeEvidence.NONE
        return OutcomeEvidence.FINAL if self._outcome.is_final else OutcomeEvidence.INTERRUPTED

    @property
    def outcome(self) -> Outcome | None:
        """The latest outcome in the run's events, which may not be final, or None if there is none."""
        return None if self._outcome is None else self._outcome.outcome

    def poll(self, now: float) -> None:
        """Store new contents of the run's folder and forward its requests, if a poll is due.

        Raises:
            StoreError: the store cannot be used.
        """
        if now < self.next_poll:
            return
        if not self.has_started:
            refresh_folder(self.shared.events)
        has_news = self._collect_events()
        size = self._reader.ingest()
        has_news |= bool(size) | self._relay.collect(self._reader)
        self._schedule_poll(now, has_news=has_news)
        if size >= CHUNK_BYTES:
            self.next_poll = now

    def _schedule_poll(self, now: float, *, has_news: bool) -> None:
        """Schedule the next poll, later the longer nothing new has been found."""
        self._interval = _FIRST_PAUSE_SECONDS if has_news else min(_LAST_PAUSE_SECONDS, self._interval * _GROWTH)
        self.next_poll = now + self._interval

    def collect_last_values(self, now: float, *, settled_at: float | None = None) -> bool:
        """Store what an ended run's script has logged, without handling its requests; return whether no more can come.

        Args:
            now: the monotonic time.
            settled_at: since when what the run's job wrote last should have arrived; None while the job goes on.

        Returns:
            Whether there can be nothing more.

        Raises:
            RunNotFound: the run has been removed for good.
            StoreError: the store cannot be used.
        """
        if now < self.next_poll:
            return False
        self._reload_run()
        if settled_at is not None:
            refresh_folder(self.shared.events)
            refresh_folder(self.shared.journal)
        has_news = self._collect_events(waits_for_values=settled_at is None)
        has_news |= bool(self._reader.ingest())
        self._schedule_poll(now, has_news=has_news)
        if settled_at is None or has_news or not self.is_folder_available():
            return False
        return self._is_wait_for_values_over(settled_at, now)

    def refresh(self) -> None:
        """Store the new events, read from the file server instead of this machine's cache."""
        for folder in (self.shared.events, self.shared.journal):
            refresh_folder(folder)
        # What the file server has now is all that there will be of a run that seems lost.
        self._collect_events(waits_for_values=False)

    def get_heartbeat_evidence(self) -> HeartbeatEvidence:
        """Return whether the heartbeat is missing, fresh or stale, as evidence of whether the run is alive.

        A heartbeat counts as fresh while the shared folder is unavailable, so that no run is then taken for lost.
        """
        try:
            heartbeat = self._heartbeat.read()
        except OSError:
            return HeartbeatEvidence.FRESH
        if heartbeat is None:
            return HeartbeatEvidence.NONE
        is_fresh = heartbeat.age_seconds < _FRESH_SECONDS and not heartbeat.is_of_dead_process
        return HeartbeatEvidence.FRESH if is_fresh else HeartbeatEvidence.STALE

    def finish(self, outcome: Outcome, now: float) -> bool:
        """Record the outcome once all logged data are stored or overdue; return whether it was recorded.

        While the shared folder is away, it is not.

        Raises:
            StoreError: the store cannot be used.
        """
        self._ended_since = self._ended_since or now
        refresh_folder(self.shared.journal)
        self._reader.ingest_all()
        if not self.is_folder_available():
            self._ended_since = None
            return False
        if not self._is_wait_for_values_over(self._ended_since, now):
            return False
        outcome = outcome._replace(warnings=(*outcome.warnings, *self._reader.warnings))
        row = self._workspace.runs.get_by_key(self.run.key)
        outcome = run_or_log(lambda: self._register_outputs(self._workspace, row, outcome), outcome)
        outcome = outcome.redact(self._redactor)
        with suppress(OSError):
            write_outcome(self._folder, outcome)
        with suppress(
            OSError
        ):  # by it the next collector finds the secrets, should this one die before it removes them
            self.shared.started_marker.touch(mode=0o600)
        record_outcome(self._workspace, self.run, outcome, self._redactor)
        return True

    def _is_wait_for_values_over(self, since: float, now: float) -> bool:
        """Return whether the wait for logged values, begun at `since`, is over: all are stored, or it has timed out."""
        sizes = {} if self._outcome is None else self._outcome.journal_sizes
        return self._reader.has_ingested(sizes) or now >= since + _JOURNALS_SECONDS

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the end of the RPC worker if it is among the reaped processes."""
        self._relay.record_exits(exit_codes)

    def abandon_requests(self) -> None:
        """End the RPC worker; the requests of the script get no response."""
        self._relay.close()

    def is_in_trash(self) -> bool:
        """Return whether the run has been deleted, but can still be restored."""
        return self._workspace.trash.find_key(self.run.run_id) == self.run.key

    def is_folder_available(self) -> bool:
        """Return whether the target's shared folder is available."""
        return SharedFolder(self.shared.path.parents[1]).is_available()

    def _collect_events(self, *, waits_for_values: bool = True) -> bool:
        """Store the new events; return whether any were stored.

        With `waits_for_values`, the end of an attempt and later events wait until all its values are stored.
        """
        found = False
        for path in list_json_lines_files(self.shared.events):
            self.has_started = True
            while self._collect_events_from_file(path, waits_for_values=waits_for_values):
                found = True
        return found

    def _collect_events_from_file(self, events_path: Path, *, waits_for_values: bool) -> bool:
        """Store the new events of a file, at most up to the next end of an attempt; return whether any were stored."""
        name = f"{FOLDER}/{events_path.name}"
        before = self._offsets.get(name, 0)
        try:
            documents, after = read_json_lines(events_path, before, is_last=is_attempt_event)
        except OSError:
            return False
        if after == before:
            return False
        self._reload_run()  # the collector's row may be older than the last events
        events = [event for document in documents if (event := parse_event(document)) is not None]
        if isinstance(last := events[-1] if events else None, AttemptEvent):
            if not self._ingest_attempt_values(last) and waits_for_values:
                return False
            self._attempt_ended_since = None
            save_all_outputs(self._workspace, get_script_lock_name(self.run))
        self._apply_new_events(name, before, after, events)
        return True

    def _ingest_attempt_values(self, event: AttemptEvent) -> bool:
        """Store the values of an attempt that has ended; return whether all are stored, or the missing ones overdue.

        The file server may show the ends of journals later than the event; what stays away for long is given up.
        """
        refresh_folder(self.shared.journal)
        self._reader.ingest_all()
        number = get_attempt_number(self.run.attempts)
        sizes = {name: size for name, size in event.journal_sizes.items() if get_journal_attempt(name) <= number}
        moment = time.monotonic()
        self._attempt_ended_since = self._attempt_ended_since or moment
        return self._reader.has_ingested(sizes) or moment >= self._attempt_ended_since + _JOURNALS_SECONDS

    def _apply_new_events(self, events_name: str, old_offset: int, new_offset: int, events: list[Event]) -> None:
        """Apply new events to the store and advance their read offset, unless another collector has already done so."""
        with open_run_transaction(self._workspace, self.run.key):
            is_mine = self._workspace.journals.advance(self.run.key, events_name, old_offset, new_offset)
            if is_mine:
                for event in events:
                    self._apply_event(event)
        if not is_mine:  # another collector has been here
            self._offsets = dict(get_journal_offsets(self._workspace, self.run.key))
            self._restore_known_state()
        else:
            self._offsets[events_name] = new_offset
            for event in events:
                self._update_known_state(event)
        self._reload_run()

    def _reload_run(self) -> None:
        self.run = get_run_or_trashed(self._workspace, self.run.key)
        self._reader.last_attempt = get_attempt_number(self.run.attempts)

    def _apply_event(self, event: Event) -> None:
        """Change the run in the store according to an event from its supervisor."""
        runs, key = self._workspace.runs, self.run.key
        if isinstance(event, StatusEvent):
            self._apply_status(event)
        elif isinstance(event, PropertiesEvent):
            runs.add_properties(key, event.properties)
        elif isinstance(event, AttemptEvent):
            row = runs.get_by_key(key)
            store_attempt_begun_on_node(self._workspace, row, event.started_at, event.outcome)
        elif isinstance(event, StartEvent):
            name = NODE_PROPERTY if event.attempt == 1 else f"{NODE_PROPERTY}_{event.attempt}"
            runs.add_properties(key, {name: event.node})
            if event.attempt > 1:
                self._store_queued_status()

    def _apply_status(self, event: StatusEvent) -> None:
        runs, key = self._workspace.runs, self.run.key
        columns = _select_allowed_columns(event.columns)
        if len(columns.get("attempts", ())) < len(self.run.attempts):  # of a job that its engine has started again
            columns.pop("attempts", None)
        if runs.change_status(key, event.before, event.after, changed_at=event.at, **columns):
            return
        status = runs.find_status(key)
        if status is not None and status.is_terminal:
            columns = {name: value for name, value in columns.items() if name == "attempts"}
        if columns and status is not None:
            runs.update(key, **columns)

    def _store_queued_status(self) -> None:
        """Set the status to Queued, in the caller's transaction, unless the run has ended or is being canceled."""
        before = ALIVE_STATUSES - {RunStatus.CANCEL_REQUESTED, RunStatus.QUEUED}
        self._workspace.runs.change_status(self.run.key, before, RunStatus.QUEUED)

    def requeue(self) -> None:
        """Set the run's status to Queued unless it is being canceled: the engine is about to restart its job."""
        with self._workspace.transaction():
            self._store_queued_status()
        self.run = self._workspace.runs.get_by_key(self.run.key)

    def _update_known_state(self, event: Event) -> None:
        """Update the run's known start and outcome from an event, or refresh the folder that got new files."""
        if isinstance(event, FilesEvent):
            for folder in (self.shared.journal, self.shared.requests):
                if folder.name == event.folder:
                    refresh_folder(folder)
        elif isinstance(event, StartEvent):
            self.start_seen_at = time.monotonic()
            self.job_id = event.job_id
            self._outcome = None if self.outcome_evidence is OutcomeEvidence.INTERRUPTED else self._outcome
        elif isinstance(event, OutcomeEvent) and self.outcome_evidence is not OutcomeEvidence.FINAL:
            self._outcome = event

    def _restore_known_state(self) -> None:
        """Restore the run's known start and outcome from its folder, including events that are already stored."""
        self._outcome = None
        for path in list_json_lines_files(self.shared.events):
            self.has_started = True
            with suppress(OSError):
                documents, _ = read_json_lines(path, 0)
                for event in map(parse_event, documents):
                    if event is not None:
                        self._update_known_state(event)
        if self._outcome is None and (written := read_outcome(self.shared)) is not None:
            self._outcome = OutcomeEvent(written, {}, is_final=True)


def _select_allowed_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return those columns that a supervisor may set, and attempts only if valid: the shared folder is not trusted."""
    selected = {name: columns[name] for name in SupervisorColumns.__annotations__ if name in columns}
    selected.pop("attempts", None)
    with suppress(AttributeError, KeyError, TypeError):
        selected["attempts"] = [attempt.to_json() for attempt in parse_attempts(columns["attempts"])]
    return selected
