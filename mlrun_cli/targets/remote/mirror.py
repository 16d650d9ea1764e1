"""The mirror of a target's folder on the remote machine, which the collector keeps up to date."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.engine import Job, JobState
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.remote.pulled_run import PulledRun
from mlrun_cli.targets.remote.push import push_program
from mlrun_cli.targets.remote.session import NodeSession, ProgramNotThere, RequestFailed
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh
from mlrun_cli.workspace import Workspace

PUSHED = "pushed"
"""The folder in the mirror with an empty file for each run that the remote machine may have files of."""
_MAX_COPIES = 4
"""How many rsync run at a time: sshd admits ten sessions of a connection."""
_FIRST_SECONDS, _GROWTH = 0.2, 1.3
_LAST_RUNNING_SECONDS, _LAST_QUEUED_SECONDS = 1.2, 2.5
_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS, _RETRY_GROWTH = 0.5, 10.0, 1.6
_LAST_REMOVAL_SECONDS = 120.0
"""The longest pause between two tries to connect if all runs have ended, and only files are left to be removed."""


class Mirror:
    """The mirror, which pulls updates of live runs in one request, pushes their inboxes and removes ended runs.

    Attributes:
        asked_at: the monotonic time of the last request that was answered.
    """

    def __init__(self, workspace: Workspace, settings: RemoteSettings, folder: SharedFolder, program: Path) -> None:
        """Create the mirror.

        Args:
            workspace: the workspace.
            settings: the settings of the target.
            folder: the folder of the mirror.
            program: a copy of this package in the mirror.
        """
        self._workspace = workspace
        self._settings = settings
        self._folder = folder
        self._program = program
        self._ssh = Ssh(settings)
        self._session: NodeSession | None = None
        self._runs: dict[str, PulledRun] = {}
        self._unwatched: set[str] = set()
        self._left: set[str] = set()
        """The runs whose files there could not be removed; the next collector tries again."""
        self._silence = "nobody has asked yet"
        self._interval = _FIRST_SECONDS
        self._retry = _FIRST_RETRY_SECONDS
        self._next_look = 0.0
        self.asked_at = 0.0
        self._missing_since: dict[str, float] = {}
        """The monotonic times at which jobs were first asked for that no poll had found, by run id."""

    def synchronize(self, runs: Collection[Run]) -> None:
        """Poll the remote machine if a poll is due or something is to be sent, and continue copying files.

        Raises:
            StoreError: the store cannot be used.
        """
        moment = time.monotonic()
        wanted = {run.run_id for run in runs}
        for run_id in self._runs.keys() - wanted:
            self._runs.pop(run_id).close()
            self._unwatched.add(run_id)
        is_new = bool(wanted - self._runs.keys()) and not self._silence
        is_last = (
            not wanted and not self._silence
        )  # what is to be removed is removed now, or when there is a line again
        if is_new or is_last or moment >= self._next_look or (not self._silence and self._has_unsent_messages()):
            self._poll_machine(wanted)
        copies = sum(pulled.is_copying for pulled in self._runs.values())
        for run_id, pulled in self._runs.items():
            try:
                copies -= pulled.is_copying
                copies += pulled.advance(time.monotonic(), may_copy=copies < _MAX_COPIES)
            except (OSError, MlrunError) as error:
                write_log(f"the files of {run_id} wait: {error}")

    def find_jobs(self, run_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the last reported jobs of the given runs, keyed by run id; runs without a job are omitted.

        A run is polled from before its job is submitted, so that only a later poll tells that it has none.

        Raises:
            EngineUnavailable: the remote machine has not answered the last time, or has not been asked about a run.
        """
        if self._silence:
            raise EngineUnavailable(self._silence)
        if not self._runs.keys() >= set(run_ids):
            raise EngineUnavailable("The remote machine is asked at the next look.")
        jobs = {run_id: job for run_id in run_ids if (job := self._runs[run_id].job) is not None}
        moment = time.monotonic()
        missing = set(run_ids) - jobs.keys()
        self._missing_since = {run_id: self._missing_since.get(run_id, moment) for run_id in missing}
        if self.asked_at < max(self._missing_since.values(), default=0.0):
            self._next_look = moment
            raise EngineUnavailable("The remote machine is asked at the next look.")
        return jobs

    def list_leftovers(self) -> frozenset[str]:
        """Return the ids of runs whose files may be on the remote machine, except files that could not be removed."""
        return list_pushed_runs(self._folder) - self._left

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the ends of copies among the reaped processes, whose exit codes are given by pid."""
        for pulled in self._runs.values():
            pulled.record_exits(exit_codes)

    def close(self) -> None:
        """Close the session and all pulled runs, and stop the copies in progress."""
        for pulled in self._runs.values():
            pulled.close()
        self._runs.clear()
        self._close_session()

    def _poll_machine(self, run_ids: Collection[str]) -> None:
        """Exchange data with the remote machine, and remove ended runs from it; close the session if that fails."""
        began = time.monotonic()
        try:
            has_news = self._exchange_updates(run_ids)
            self._remove_ended_runs(run_ids)
        except StoreError:
            raise
        except (MlrunError, OSError, ValueError, KeyError) as error:
            if not isinstance(error, (MlrunError, OSError)):
                log_exception()
            if self._silence != str(error):
                write_log(f"the remote machine does not answer: {error}")
            self._silence = str(error) or type(error).__name__
            self._close_session()
            self._next_look = time.monotonic() + self._retry
            most = _LAST_RETRY_SECONDS if run_ids else _LAST_REMOVAL_SECONDS
            self._retry = min(most, self._retry * _RETRY_GROWTH)
            return
        self._silence = ""
        self.asked_at = began
        self._retry = _FIRST_RETRY_SECONDS
        jobs = [pulled.job for pulled in self._runs.values()]
        is_running = any(job is not None and job.state is JobState.RUNNING for job in jobs)
        most = _LAST_RUNNING_SECONDS if is_running else _LAST_QUEUED_SECONDS
        self._interval = _FIRST_SECONDS if has_news else min(most, self._interval * _GROWTH)
        self._next_look = time.monotonic() + (0.0 if self._has_unread_data() else self._interval)

    def _exchange_updates(self, run_ids: Collection[str]) -> bool:
        """Send watched runs and new inbox messages, receive updates, and return whether any were received."""
        session = self._session or self._open_session()
        new = {run_id: self._create_pulled_run(run_id) for run_id in run_ids if run_id not in self._runs}
        inboxes, payload = self._read_inboxes()
        answer = session.request(
            "look",
            {
                "most_nodes": self._settings.max_nodes,
                "watch": {run_id: pulled.discard_unwritten_data() for run_id, pulled in new.items()},
                "unwatch": sorted(self._unwatched),
                "inbox": inboxes,
            },
            payload,
        )
        self._unwatched.clear()
        self._runs.update(new)
        content = memoryview(answer.payload)
        start = 0
        for run_id, news in answer.document["runs"].items():
            size = sum(piece[2] for piece in news.get("files", ()))
            piece, start = content[start : start + size], start + size
            if run_id in self._runs:
                self._write_update(run_id, news, piece)
        return any(set(news) - {"heartbeat"} for news in answer.document["runs"].values())

    def _create_pulled_run(self, run_id: str) -> PulledRun:
        return PulledRun(self._ssh, self._settings, self._folder, run_id)

    def _write_update(self, run_id: str, update: Mapping[str, object], chunk: memoryview) -> None:
        """Write the update of a run; if that fails, forget the run, so that the next poll starts from its files."""
        pulled = self._runs[run_id]
        try:
            if "inbox" in update:
                pulled.inbox_size = int(str(update["inbox"]))
            pulled.write_update(update, chunk)
        except (OSError, ValueError, KeyError, TypeError) as error:
            write_log(f"the files of {run_id} wait: {error}")
            pulled.close()
            del self._runs[run_id]

    def _open_session(self) -> NodeSession:
        there = f"{self._settings.folder}/programs/{self._program.name}"
        self._forget_runs()
        try:
            self._session = NodeSession(self._ssh, self._settings, there)
        except ProgramNotThere:
            push_program(self._ssh, self._settings, self._folder, self._program)
            self._session = NodeSession(self._ssh, self._settings, there)
        return self._session

    def _forget_runs(self) -> None:
        """Forget the state of all runs, since a restarted program on the remote machine has none."""
        for pulled in self._runs.values():
            pulled.close()
        self._runs.clear()
        self._unwatched.clear()

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _has_unread_data(self) -> bool:
        return any(pulled.is_behind for pulled in self._runs.values())

    def _has_unsent_messages(self) -> bool:
        """Return whether any inbox contains messages that have not been sent."""
        return any(
            pulled.inbox_size is not None and _get_size(pulled.folder.inbox) > pulled.inbox_size and pulled.read_inbox()
            for pulled in self._runs.values()
        )

    def _read_inboxes(self) -> tuple[dict[str, tuple[int, int]], bytes]:
        """Return the offset and size of each inbox's unsent data, and the concatenated data.

        For a run whose inbox there is not known yet, nothing is sent, and its size is asked for.
        """
        pieces: dict[str, tuple[int, int]] = {}
        payload = bytearray()
        for run_id, pulled in self._runs.items():
            offset = pulled.inbox_size
            data = b"" if offset is None else pulled.read_inbox()
            if data or offset is None:
                pieces[run_id] = (0 if offset is None else offset, len(data))
                payload += data
        return pieces, bytes(payload)

    def _remove_ended_runs(self, run_ids: Collection[str]) -> None:
        """Remove the files of ended or deleted runs from the remote machine, once all that they logged is stored."""
        for run_id in self.list_leftovers() - frozenset(run_ids):
            if self._may_have_unstored_values(run_id):
                continue
            session = self._session or self._open_session()
            try:
                session.request("remove", {"run_id": run_id})
            except RequestFailed as error:
                self._left.add(run_id)
                write_log(f"the folder of {run_id} is left there: {error}")
                continue
            (self._folder.path / PUSHED / run_id).unlink(missing_ok=True)

    def _may_have_unstored_values(self, run_id: str) -> bool:
        """Return whether a run is live, or has ended, perhaps been deleted, and has its secrets still.

        The collector removes them once it has stored all values, or if it gives up.
        """
        key = self._workspace.runs.find_key(run_id)
        status = None if key is None else self._workspace.runs.find_status(key)
        if status is not None and not status.is_terminal:
            return True
        is_known = status is not None or self._workspace.trash.find_key(run_id) is not None
        return is_known and self._folder.get_run_folder(run_id).secrets.exists()


def list_pushed_runs(folder: SharedFolder) -> frozenset[str]:
    """Return the ids of the runs whose files may be on the remote machine that the folder mirrors."""
    try:
        return frozenset(os.listdir(folder.path / PUSHED))
    except FileNotFoundError:
        return frozenset()


def _get_size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
