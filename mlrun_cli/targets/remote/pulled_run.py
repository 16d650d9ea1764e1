"""The files of one run on the remote machine, copied to their mirror in an order in which each can be relied on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import parse_json, write_json
from mlrun_cli.core.program_log import write_log
from mlrun_cli.runs import events, heartbeat
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.remote.forwarded_requests import ForwardedRequests
from mlrun_cli.targets.remote.run_copy import CopyKind, RunCopy
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh
from mlrun_cli.wire.run_folder import LOG_FOLDERS

_FOLDERS = frozenset({"events", "questions", "journal", *(f"artifacts/{name}" for name in LOG_FOLDERS)})
_COPY_PAUSE_SECONDS = 2.0
_RETRY_SECONDS = 2.0
_PARTIAL, _VANISHED = 23, 24
"""The exit codes of rsync if something could not be read or has vanished meanwhile; all else was copied."""
_MAX_PARTIAL = 3


class PulledRun:
    """The mirror of one run.

    An outcome, or that the job has ended, becomes visible only once all else that was written before is there.

    Attributes:
        job: the job as far as it may be told; None if the remote machine knows none.
        inbox_size: how much of the inbox the remote machine has; None until that is known.
        is_behind: whether the remote machine has more than it has sent.
    """

    def __init__(self, ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, run_id: str) -> None:
        self.job: Job | None = None
        self.inbox_size: int | None = None
        self._ssh = ssh
        self._settings = settings
        self._mirror = mirror
        self._folder = mirror.get_run_folder(run_id)
        self._run_id = run_id
        self._last_job: Job | None = None
        self._held: dict[str, bytearray] = {}
        """The events that may not be seen yet, by journal."""
        self._outcome: Mapping[str, Any] | None = None
        self.is_behind = True
        self._is_marked = False
        self._tree = ""
        self._copied_tree = ""
        self._copy: RunCopy | None = None
        self._requests = ForwardedRequests(f"{settings.folder}/runs/{run_id}")
        self._next_copy = 0.0
        self._next_live_copy = 0.0
        self._is_copied = False
        self._partial_copies = 0

    @property
    def folder(self) -> SharedRunFolder:
        """The folder of the run in the mirror."""
        return self._folder

    def discard_unwritten_data(self) -> dict[str, int]:
        """Discard received data that was not written, and return the sizes of the mirrored files, keyed by path."""
        self._held.clear()
        self._requests.clear()
        self.is_behind = True
        sizes = {}
        for folder in _FOLDERS:
            with suppress(OSError):
                for entry in os.scandir(self._folder.path / folder):
                    sizes[f"{folder}/{entry.name}"] = entry.stat(follow_symlinks=False).st_size
        return sizes

    def write_update(self, update: Mapping[str, Any], payload: memoryview) -> None:
        """Write a received update of the run; `payload` contains the data of its parts.

        Raises:
            OSError: it cannot be written here; the mirror has a beginning of it.
            ValueError: what has arrived is not what was asked for.
        """
        start = 0
        for name, offset, size in update.get("files", ()):
            folder, _, last = name.rpartition("/")
            if folder not in _FOLDERS or last in {"", ".", ".."}:
                raise ValueError(f"{name} is no file of a run")
            data = bytes(payload[start : start + size])
            start += size
            if folder == "events":
                self._held.setdefault(name, bytearray()).extend(data)
            elif folder == "questions":
                self._requests.add(name, data)
            else:
                _write_at_offset(self._folder.path / name, offset, data)
        if "heartbeat" in update:
            self._write_heartbeat(update["heartbeat"])
        if "outcome" in update:
            self._outcome = parse_json(update["outcome"])
        if "job" in update:
            self._last_job = _parse_job(update["job"])
        self._tree = update.get("tree", self._tree)
        self.is_behind = bool(update.get("more"))
        self._publish_events(has_all_files=False)
        self._publish_requests()

    @property
    def is_copying(self) -> bool:
        """True if an rsync for the run is in progress."""
        return self._copy is not None

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the end of the copy in progress if its process is among the reaped ones."""
        if self._copy is not None:
            self._copy.record_exits(exit_codes)

    def advance(self, now: float, *, may_copy: bool) -> bool:
        """Continue copying outputs, publish complete files, and return whether a copy is in progress.

        Args:
            now: the monotonic time.
            may_copy: whether an rsync may be started.

        Raises:
            OSError: the mirror cannot be written.
        """
        has_ended = self._outcome is not None or any(map(_has_outcome, self._held.values()))
        is_last = has_ended or (self._last_job is not None and self._last_job.state is JobState.ENDED)
        # Before anything that may fail: a run whose job is not known would be taken for lost.
        if not is_last:
            self.job = self._last_job
        elif _is_before_start(self.job) and not _is_before_start(self._last_job):
            self.job = Job(JobState.RUNNING)
        self._finish_copy(now)
        if is_last and not self.is_behind and self._is_copied:
            self._publish_all()
        elif self._copy is None and may_copy and now >= self._next_copy:
            kind = self._choose_copy(now, is_last=is_last)
            if kind is not None:
                self._start_copy(kind)
        return self._copy is not None

    def read_inbox(self) -> bytes:
        """Return the messages after `inbox_size` that may be sent now."""
        try:
            with self._folder.inbox.open("rb") as file:
                file.seek(self.inbox_size or 0)
                return self._requests.select_messages(file.read())
        except OSError:
            return b""

    def _choose_copy(self, now: float, *, is_last: bool) -> CopyKind | None:
        """Return the kind of copy to start next, or None if none is due."""
        if is_last:
            return None if self.is_behind else CopyKind.FINAL
        kind = self._requests.choose_copy()
        is_due = now >= self._next_live_copy and not self._requests.has_open_requests
        return CopyKind.LIVE if kind is None and is_due and self._tree != self._copied_tree else kind

    def close(self) -> None:
        """Stop the copy in progress, if there is one."""
        if self._copy is not None:
            self._copy.kill()
            self._copy = None

    def _publish_events(self, *, has_all_files: bool) -> None:
        """Write received events, but only up to the first outcome while other files of the run are missing."""
        for name, data in self._held.items():
            size = len(data) if has_all_files else _get_outcome_offset(data)
            if size:
                _append_to_file(self._folder.path / name, bytes(data[:size]))
                del data[:size]
                if not self._is_marked:
                    (self._mirror.started / self._run_id).touch(mode=0o600)
                    self._is_marked = True

    def _publish_requests(self) -> None:
        for name, data in self._requests.pop_ready_requests().items():
            _append_to_file(self._folder.path / name, data)

    def _publish_all(self) -> None:
        _sync_files(self._folder.path)
        self._publish_events(has_all_files=True)
        if self._outcome is not None and not self._folder.outcome.exists():
            write_json(self._folder.outcome, self._outcome, durable=True)
        if self._last_job is not None and self._last_job.state is JobState.ENDED:
            # The supervisor cannot outlive its job there: its last heartbeat says nothing any more.
            with suppress(OSError):
                os.utime(self._folder.heartbeat, (0, 0))
        self.job = self._last_job

    def _write_heartbeat(self, received_heartbeat: Mapping[str, Any]) -> None:
        """Write the heartbeat with its age, as a time by the clock of the file server of the mirror."""
        heartbeat.overwrite_in_place(self._folder.heartbeat, str(received_heartbeat["text"]))
        moment = self._folder.heartbeat.stat().st_mtime - float(received_heartbeat["age"])
        os.utime(self._folder.heartbeat, (moment, moment))

    def _start_copy(self, kind: CopyKind) -> None:
        self._copy = RunCopy(self._ssh, self._settings, self._mirror, self._run_id, kind, self._tree)
        self._requests.record_copy_start(kind)

    def _finish_copy(self, now: float) -> None:
        """Record the result of the copy in progress if it has ended."""
        copy = self._copy
        if copy is None or (code := copy.poll()) is None:
            return
        words = copy.read_error_output()
        self._copy = None
        if code:
            write_log(f"the files of {self._run_id}: rsync ended with {code}: {words}")
        self._partial_copies += code == _PARTIAL
        is_done = code in {0, _VANISHED} or (code == _PARTIAL and self._partial_copies >= _MAX_PARTIAL)
        is_of_request = copy.kind in {CopyKind.WORK, CopyKind.RETURN}
        self._next_copy = now if is_done else now + _RETRY_SECONDS
        self._next_live_copy = now + _COPY_PAUSE_SECONDS
        if is_done:
            self._copied_tree = self._copied_tree if is_of_request else copy.tree
            self._is_copied = copy.kind is CopyKind.FINAL
            self._requests.record_copy_end(copy.kind)
            self._publish_requests()


def _is_before_start(job: Job | None) -> bool:
    """Return whether a job is unknown or still queued."""
    return job is None or job.state is JobState.QUEUED


def _write_at_offset(path: Path, offset: int, data: bytes) -> None:
    """Write data at an offset of a private file, and truncate the file after the data.

    Raises:
        OSError: it cannot be written, or the file does not reach up to the offset.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size < offset:
            raise OSError(0, f"{path} has {size} bytes instead of {offset}")
        if size > offset:
            os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _append_to_file(path: Path, data: bytes) -> None:
    """Append data to a private file, creating it if it does not exist.

    Raises:
        OSError: it cannot be written; a part that has been written is removed again.
    """
    size = path.stat().st_size if path.exists() else 0
    try:
        _write_at_offset(path, size, data)
    except OSError:
        with suppress(OSError):
            os.truncate(path, size)
        raise


def _get_outcome_offset(data: bytes | bytearray) -> int:
    """Return the offset of the first outcome event, or the size of all complete lines if there is none."""
    size = 0
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n") or _is_outcome(line):
            break
        size += len(line)
    return size


def _has_outcome(data: bytes | bytearray) -> bool:
    return any(_is_outcome(line) for line in data.splitlines(keepends=True) if line.endswith(b"\n"))


def _is_outcome(line: bytes | bytearray) -> bool:
    try:
        return isinstance(events.parse_event(json.loads(line)), events.OutcomeEvent)
    except ValueError:
        return False


def _sync_files(folder: Path) -> None:
    """Flush all files below a folder to the disk, since the originals are about to be removed."""
    for above, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(os.path.join(above, name), flags)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


def _parse_job(document: Mapping[str, Any]) -> Job | None:
    """Return the job that the remote machine describes, or None if that machine does not know it."""
    state = document["state"]
    if state == "missing":
        return None
    end = document.get("end")
    return Job(
        JobState(state),
        reason=str(document.get("reason", "")),
        end=None if end is None else JobEnd(end),
        words=str(document.get("words", "")),
        exit_code=document.get("exit_code"),
    )
