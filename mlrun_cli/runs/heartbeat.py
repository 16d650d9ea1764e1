"""The heartbeat of a supervisor on a node: a file with a modification time by the file server's clock."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import identify_process
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder


class Heartbeat(NamedTuple):
    """The last heartbeat of a run.

    Attributes:
        age_seconds: its age by the file server's clock.
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


def read_heartbeat(folder: SharedRunFolder) -> Heartbeat | None:
    """Return the last heartbeat of a run, or None if there is none.

    Raises:
        OSError: the shared folder cannot be read or written.
    """
    with folder.heartbeat.open("rb") as file:
        written = file.read(1000).decode("utf-8", "replace")
        written_at = os.fstat(file.fileno()).st_mtime
    if not written:
        return None
    clock = SharedFolder(folder.path.parents[1]).clock
    overwrite_in_place(clock, "clock")
    return Heartbeat(clock.stat().st_mtime - written_at, _is_from_dead_process(written))


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
