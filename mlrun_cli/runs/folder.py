"""The folder of a run, with the paths of all its files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart, make_counterpart_folder
from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.wire.framing import open_socket_address
from mlrun_cli.wire.run_folder import (
    ARTIFACTS,
    CONTROLLER_LOGS,
    ENVIRONMENT_LOG,
    JOURNAL,
    LOG_FOLDERS,
    PROCESS_LOG_PREFIX,
    STD_LOG,
    SUPERVISOR_LOG,
    SUPERVISOR_SOCKET,
    UPLOADS,
)

STREAMS = "streams"
ENVIRONMENT_RECORD_NAME = "system_logs/environment.json"
_RESERVED_BYTES = 256 << 10
"""Space for the outcome, and for the pages of the store that the end of a run changes."""
_LOCK_RECORD_BYTES = 64


class RunFolder:
    """The folder of a run, which defines the paths of all its files.

    Attributes:
        path: the folder.
        disk: the folder of what the script and its processes write: the folder itself, or one on another disk.
    """

    def __init__(self, path: Path, disk: Path | None = None) -> None:
        disk = disk or path
        self.path = path
        self.disk = disk
        self.lock = path / "lock"
        self.reserve = path / "reserve"
        self.submission = path / "submission.json"
        self.secrets = path / "secrets.json"
        self.process = path / "process.json"
        self.job_problems = path / "job_problems.json"
        """What has gone wrong with the job of a run on a node (see `runs.job_problems`)."""
        self.restarts = path / "restarts.json"
        """How often the current attempt has begun once more, while the run may be queued again."""
        self.outcome = path / "outcome.json"
        self.sockets = get_counterpart(path)
        """The folder of the sockets and the pipe; the run's folder itself in a home on a local disk."""
        self.socket = self.sockets / SUPERVISOR_SOCKET
        self.stdin = self.sockets / "stdin"
        self.worker_socket = self.sockets / "helper"
        self.journal = disk / JOURNAL
        self.resources = self.journal / "resources.json"
        self.notify = path / "notify.json"
        """The addresses that are to be notified of the end of this run, as a secret."""
        self.notified = path / "notified"
        self.canceled = path / "canceled"
        """An empty file that exists if the run is canceled by force, and the store could not record that before."""
        self.record = path / "record.jsonl"
        self.children = path / "children.jsonl"
        self.logged = path / "logged"
        self.streams = path / STREAMS
        self.environment_plan = path / "environment.json"
        self.template = path / "template"
        """The template of the child runs of a sweep (see `submit.template`)."""
        self.steps = path / "steps"
        """The folders of the steps of a pipeline, each with a template."""
        self.work = disk / "work"
        self.unfinished_work = disk / "work.unfinished"
        self.inputs = disk / "inputs"
        self.resumed = disk / "resumed"
        """The files of an earlier run that the script finds in its working folder."""
        self.artifacts = disk / ARTIFACTS
        self.uploads = disk / UPLOADS
        self.log_times = self.journal / "log.times"
        """An empty file that exists if the times of the lines in the logs are recorded."""
        self.supervisor_log = self.artifacts / SUPERVISOR_LOG
        self.environment_log = self.artifacts / ENVIRONMENT_LOG
        self.environment_record = self.artifacts / ENVIRONMENT_RECORD_NAME

    def create_with_lock(self) -> None:
        """Create the folder with only its lock file, private to its user; it must not exist yet."""
        self.path.mkdir(mode=0o700)
        make_counterpart_folder(self.path)
        create_lock_file(self.lock)

    def create(self) -> None:
        """Create the folder with its subfolders and log, private to its user; it must not exist yet."""
        self.create_with_lock()
        log = self.artifacts / STD_LOG
        for folder in (self.journal, self.artifacts, log.parent, self.supervisor_log.parent):
            folder.mkdir(mode=0o700)
        os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def list_template_folders(self) -> list[Path]:
        """Return the folders of the templates from which this run's child runs are started."""
        found = [self.template] if self.template.is_dir() else []
        return found + sorted(folder for folder in self.steps.glob("*") if folder.is_dir())

    def restore_access(self) -> None:
        """Restore the owner's access to the folder and its journals, which a script may have revoked."""
        for folder in (self.path, self.journal):
            with suppress(OSError):
                if not folder.is_symlink() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                    folder.chmod(0o700)

    def reserve_space(self) -> None:
        """Reserve disk space for the files written at the end of the run, since the script may fill the disk."""
        with suppress(OSError):
            descriptor = os.open(self.reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _RESERVED_BYTES)
            finally:
                os.close(descriptor)

    def release_space(self) -> None:
        """Release the reserved disk space."""
        with suppress(OSError):
            self.reserve.unlink()

    def record_heartbeat(self) -> None:
        """Update the modification time of the log, which shows other processes that the run is alive."""
        with suppress(OSError):
            os.utime(self.stdout)

    def touch_lock(self) -> None:
        """Update the modification time of the local lock file, so that it is not removed with old temporary files."""
        counterpart = get_counterpart(self.lock)
        if counterpart != self.lock:
            with suppress(OSError):
                os.utime(counterpart)

    def create_process_logs(self, names: Sequence[str]) -> None:
        """Create a log for each process, and remove the single log that the folder was created with."""
        (self.artifacts / STD_LOG).unlink()
        for name in names:
            os.close(os.open(self.artifacts / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @property
    def stdout_name(self) -> str:
        """The Azure name of the log that commands follow: the script's, or the first process's if there are several.

        That of a run with a controller is the controller's.
        """
        for name in CONTROLLER_LOGS:
            if (self.artifacts / name).exists():
                return name
        logs = self.artifacts.glob(f"{PROCESS_LOG_PREFIX}*")
        return min((log.relative_to(self.artifacts).as_posix() for log in logs), default=STD_LOG)

    def get_log_times_path(self, file_name: str) -> Path:
        """Return the path of the file with the times of a log's lines, a file that is copied with the journals."""
        return self.journal / f"{file_name}.times"

    @property
    def stdout(self) -> Path:
        """The path of the log that commands follow; see `stdout_name`."""
        return self.artifacts / self.stdout_name

    def open_socket_address(self, socket_path: Path) -> AbstractContextManager[str]:
        """Return a context manager that yields the address of a socket in the folder.

        Raises:
            OSError: the folder does not exist.
        """
        return open_socket_address(os.fspath(self.sockets), socket_path.name)

    def find_log_files(self) -> dict[str, Path]:
        """Return the run's existing logs, keyed by their Azure names."""
        found: dict[str, Path] = {}
        for top in LOG_FOLDERS:
            folder = self.artifacts / top
            if folder.is_dir():
                for file in sorted(folder.iterdir()):
                    if not is_temporary(file.name):
                        found[f"{top}/{file.name}"] = file
        return found


def create_lock_file(path: Path) -> None:
    """Create a lock file, preallocated so that its holder can write to it even if the disk is full."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, b" " * _LOCK_RECORD_BYTES)
    finally:
        os.close(descriptor)
