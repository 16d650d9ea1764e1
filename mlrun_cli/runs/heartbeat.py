"""The heartbeat of a supervisor on a node: a file with a modification time by the file server's clock."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.program_log import write_log
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import identify_process
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder


class Heartbeat(NamedTuple):
    """The last heartbeat of a run.

    Attributes:
        age_seconds: its age by the file server's clock, or at least that.
        is_of_dead_process: True if this machine knows that the process which wrote it has ended.
    """

    age_seconds: float
    is_of_dead_process: bool


def write_heartbeat(folder: SharedRunFolder) -> None:
    """Write the heartbeat of this process.

    Raises:
        OSError: it cannot be written.
    """
    overwrite_in_place(folder.heartbeat, _describe_process(os.getpid()))


class HeartbeatReader:
    """A reader of the heartbeat of a run, whose age it measures by the file server's clock.

    Where it cannot read that clock, or the heartbeat itself, the age is the time since this reader saw the heartbeat
    change: no heartbeat then seems older than it is. The reason is logged once.
    """

    def __init__(self, folder: SharedRunFolder) -> None:
        self._folder = folder
        self._whole = SharedFolder(folder.path.parents[1])
        self._written_at: float | None = None
        self._changed_at: float | None = None
        """The monotonic time at which the heartbeat was seen to change, or else of the first look."""
        self._has_logged = False

    def read(self) -> Heartbeat | None:
        """Return the last heartbeat, or None if there is none.

        Raises:
            OSError: the shared folder is not available.
        """
        self._changed_at = self._changed_at or time.monotonic()
        is_of_dead_process = False
        try:
            with self._folder.heartbeat.open("rb") as file:
                text = file.read(1000).decode("utf-8", "replace")
                written_at = os.fstat(file.fileno()).st_mtime
            if not text:
                return None
            if written_at != self._written_at:
                self._written_at, self._changed_at = written_at, time.monotonic()
            is_of_dead_process = _is_from_dead_process(text)
            return Heartbeat(read_server_time(self._whole) - written_at, is_of_dead_process)
        except OSError as error:
            if not self._whole.is_available():
                raise
            if isinstance(error, FileNotFoundError):
                return None
            self._log_once(error)
            return Heartbeat(time.monotonic() - self._changed_at, is_of_dead_process)

    def _log_once(self, error: OSError) -> None:
        if not self._has_logged:
            run_id = self._folder.path.name
            self._has_logged = write_log(
                f"the heartbeat of {run_id} is judged by its changes alone, which takes longer: {error}"
            )


def read_server_time(folder: SharedFolder) -> float:
    """Return the seconds since the epoch by the clock of a shared folder's file server.

    Raises:
        OSError: the folder cannot be written.
    """
    overwrite_in_place(folder.clock, "clock")
    return folder.clock.stat().st_mtime


def overwrite_in_place(path: Path, text: str) -> None:
    """Overwrite a file in place, without truncating it, since clients that have cached it would miss a replacement.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _describe_process(pid: int) -> str:
    """Return a line of constant length that identifies a process on this machine."""
    process = identify_process(pid)
    ticks = 0 if process is None else process.start_ticks
    return f"{' '.join(get_origin())} {pid:010} {ticks:020}\n"


def _is_from_dead_process(heartbeat_text: str) -> bool:
    """Return whether a heartbeat file was written by a process of this machine that has ended."""
    *origin, pid, ticks = heartbeat_text.split() if len(heartbeat_text.split()) > 2 else ("", "0", "0")
    if origin != list(get_origin()) or not pid.isdigit():
        return False
    process = identify_process(int(pid))
    return process is None or str(process.start_ticks) != ticks.lstrip("0")
