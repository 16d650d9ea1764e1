"""The queue of jobs on a machine reached by ssh: a JSON file for each job, and no process that serves it.

Whoever has the lock of the queue starts what fits: the program that answers requests, at each look, and each job as it
ends. A job holds the lock of its own file as long as it runs, so that the kernel tells whether it does.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.processes.gpu_allocator import GpuAllocator, GpuLease
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import ProcessId, identify_process, list_run_processes, send_signal
from mlrun_cli.processes.termination import end_processes

QUEUED, RUNNING, ENDED = "queued", "running", "ended"
EXITED, CANCELED, NODE_LOST, NEVER_STARTED = "exited", "canceled", "node lost", "never started"
_LIMIT = "limit.json"
_MAX_STARTS = 3
"""How often a job is started whose program never gets as far as to say that it runs."""
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
_DELIVERY_SECONDS = 900.0
"""How long a system may try to deliver what a closed connection has left: Linux gives up after some two minutes."""
_KILL_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class JobQueue:
    """The queue in the folder of a target.

    A job's file has the keys `number`, `run_id`, `script` (for a shell), `log`, `nodes`, `gpus`, `state` and `starts`;
    once it has started `boot_id`, `pid`, `ticks` and `started_at`; once it has ended `end`, `words` and, if
    it has ended by itself, `exit_code`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "queue"
        self._jobs = self.folder / "jobs"
        self._removed = self.folder / "removed"
        self._target_folder = folder
        self._gpus = GpuAllocator()

    def create(self) -> None:
        """Create the folders of the queue if they do not exist.

        Raises:
            OSError: one cannot be created.
        """
        for folder in (self._jobs, self._removed):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def set_node_limit(self, node_limit: int | None) -> None:
        """Set the maximum number of nodes in use at the same time; None means no limit.

        Raises:
            OSError: it cannot be stored.
        """
        path = self.folder / _LIMIT
        if (read_json(path) or {}).get("nodes", 0) != node_limit:
            write_json(path, {"nodes": node_limit})

    def add(self, run_id: str, job: Mapping[str, Any], write_files: Callable[[], None]) -> None:
        """Append a job to the queue, after calling `write_files`; do neither if it was already added.

        Of several processes that are sent the same submission, one at a time does this.

        Raises:
            OSError: it cannot be stored.
            ValueError: it was removed so recently that this is a submission which was delayed on its way.
        """
        with self._hold_lock():
            if self._is_recent(self._removed / run_id):
                raise ValueError(f"{run_id} has ended; its submission was delayed on the way")
            if self.find(run_id) is None:
                write_files()
                numbers = (row["number"] for row in self._list_jobs())
                number = 1 + max(numbers, default=0)
                added = {**job, "run_id": run_id, "number": number, "state": QUEUED, "starts": 0}
                write_json(self._get_job_path(run_id), added, durable=True)

    def find(self, run_id: str) -> dict[str, Any] | None:
        """Return the stored job of a run, or None if there is none."""
        return read_json(self._get_job_path(run_id))

    def describe(self, run_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the states of these runs' existing jobs, with why they wait or how they ended, keyed by run id."""
        limit = self._read_limit()
        described = {}
        before = 0
        for row in self._list_jobs():
            state = self._describe_state(row)
            if state["state"] == QUEUED:
                state["reason"] = _describe_wait(row, before, limit)
                before += 1
            if row["run_id"] in run_ids:
                described[row["run_id"]] = state
        return described

    def start_ready_jobs(self) -> None:
        """Start queued jobs in order, as long as enough nodes and GPUs are free.

        Jobs that wait for GPUs are passed by those that need none.

        Raises:
            OSError: the queue cannot be read or written.
        """
        if not any(row["state"] == QUEUED for row in self._list_jobs()):
            return
        with self._hold_lock():
            rows = self._list_jobs()
            limit = self._read_limit()
            used = sum(row["nodes"] for row in rows if self._is_running(row))
            for row in rows:
                if row["state"] != QUEUED or self._is_running(row):
                    continue
                if limit is not None and used + row["nodes"] > limit:
                    break
                if self._start_job(row):
                    used += row["nodes"]

    def cancel(self, run_id: str) -> None:
        """Cancel a job immediately, whatever its state, and kill all of its processes.

        If it was canceled before, processes that are left are killed: whoever canceled it may have been killed first.

        Raises:
            OSError: the queue cannot be written.
        """
        with self._hold_lock():
            row = self.find(run_id)
            if row is None or (row["state"] == ENDED and row["end"] != CANCELED):
                return
            if row["state"] != ENDED:
                self._write_job({**row, "state": ENDED, "end": CANCELED, "words": "it was canceled"})
        if row.get("pid"):
            self._kill_job(row)

    def remove(self, run_id: str) -> None:
        """Cancel a job if it has not ended, delete it from the queue, and reject late submissions of it from now on.

        Raises:
            OSError: the queue cannot be written.
        """
        self.cancel(run_id)
        with self._hold_lock():
            self._record_removal(run_id)
            self._get_job_path(run_id).unlink(missing_ok=True)
            self._get_lock_path(run_id).unlink(missing_ok=True)

    def record_start(self, run_id: str) -> bool:
        """Record that this process executes a job; return False if the job was canceled or removed.

        Raises:
            OSError: it cannot be stored.
        """
        with self._hold_lock():
            row = self.find(run_id)
            if row is None or row["state"] != QUEUED:
                return False
            process = identify_process(os.getpid())
            self._write_job(
                {
                    **row,
                    "state": RUNNING,
                    "boot_id": get_origin().boot_id,
                    "pid": os.getpid(),
                    "ticks": 0 if process is None else process.start_ticks,
                    "started_at": time.time(),
                }
            )
            return True

    def record_end(self, run_id: str, description: str, exit_code: int | None) -> None:
        """Record that a job has ended by itself, with a description, unless its end is already recorded.

        Args:
            run_id: the id of its run.
            description: how it has ended.
            exit_code: the exit code of its script; None if that was killed, or not started.

        Raises:
            OSError: it cannot be stored.
        """
        with self._hold_lock():
            row = self.find(run_id)
            if row is not None and row["state"] != ENDED:
                ended = {"state": ENDED, "end": EXITED, "words": description, "exit_code": exit_code}
                self._write_job({**row, **ended})

    def count_jobs(self) -> tuple[int, int]:
        """Return the numbers of running and of queued jobs."""
        rows = self._list_jobs()
        running = sum(self._is_running(row) for row in rows)
        return running, sum(row["state"] == QUEUED for row in rows if not self._is_running(row))

    def _record_removal(self, run_id: str) -> None:
        """Record the removal of a job, and forget removals that are too old for a late submission to follow."""
        for path in self._removed.iterdir():
            if not self._is_recent(path):
                path.unlink(missing_ok=True)
        (self._removed / run_id).touch(mode=0o600)

    def _is_recent(self, path: Path) -> bool:
        """Return whether the removal of a job was recorded recently; False if it was not recorded.

        Both times are those of the file system, whose clock may not be that of the machine.
        """
        try:
            removed_at = path.stat().st_mtime
        except FileNotFoundError:
            return False
        probe = self.folder / "time"
        probe.unlink(missing_ok=True)
        probe.touch(mode=0o600, exist_ok=False)
        return abs(probe.stat().st_mtime - removed_at) < _DELIVERY_SECONDS

    def _read_limit(self) -> int | None:
        limit: int | None = (read_json(self.folder / _LIMIT) or {}).get("nodes")
        return limit

    def _describe_state(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return the state of a job, with the kind and description of its end if it has ended."""
        if job["state"] == ENDED:
            return _describe_end(job)
        if self._is_running(job):
            return {"state": RUNNING}
        if job["state"] == QUEUED:
            return {"state": QUEUED}
        # It may have recorded its end since it was read.
        job = self.find(job["run_id"]) or job
        if job["state"] == ENDED:
            return _describe_end(job)
        if job["boot_id"] != get_origin().boot_id:
            return {"state": ENDED, "end": NODE_LOST, "words": f"{os.uname().nodename} was restarted"}
        return {"state": ENDED, "end": EXITED, "words": "its processes were killed"}

    def _start_job(self, job: Mapping[str, Any]) -> bool:
        """Start the process of a job under its locks; return False if it lacks GPUs or was started too often."""
        run_id = job["run_id"]
        if job["starts"] >= _MAX_STARTS:
            words = f"its program ended {_MAX_STARTS} times at once, see {job['log']}"
            self._write_job({**job, "state": ENDED, "end": NEVER_STARTED, "words": words})
            return False
        lease = self._gpus.allocate(job["gpus"], None)
        if lease is None:
            return False
        try:
            self._write_job({**job, "starts": job["starts"] + 1})
            with self._hold_job_lock(run_id) as lock:
                _spawn_job_process(self._target_folder, run_id, lock, lease, Path(job["log"]))
        finally:
            lease.close()
        return True

    def _is_running(self, job: Mapping[str, Any]) -> bool:
        if job["state"] == ENDED:
            return False
        try:
            descriptor = os.open(self._get_lock_path(job["run_id"]), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _kill_job(self, job: Mapping[str, Any]) -> None:
        """Kill the processes of a job, and wait until they have ended."""
        send_signal(ProcessId(job["pid"], job["ticks"]), signal.SIGKILL)
        end_processes(lambda: list_run_processes(job["run_id"]), 0.0)
        deadline = time.monotonic() + _KILL_SECONDS
        while self._is_running({**job, "state": RUNNING}) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def _list_jobs(self) -> list[dict[str, Any]]:
        """Return all jobs in the order of the queue."""
        rows = (read_json(path) for path in self._jobs.glob("*.json") if not path.name.startswith("."))
        return sorted((row for row in rows if row is not None), key=lambda row: int(row["number"]))

    def _write_job(self, job: Mapping[str, Any]) -> None:
        write_json(self._get_job_path(job["run_id"]), job)

    def _get_job_path(self, run_id: str) -> Path:
        return self._jobs / f"{run_id}.json"

    def _get_lock_path(self, run_id: str) -> Path:
        return self._jobs / f"{run_id}.lock"

    @contextmanager
    def _hold_job_lock(self, run_id: str) -> Iterator[int]:
        """Hold a job's lock during the block and yield its descriptor; a child that inherits it keeps the lock."""
        descriptor = os.open(self._get_lock_path(run_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _hold_lock(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _describe_end(job: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": ENDED, "end": job["end"], "words": job["words"], "exit_code": job.get("exit_code")}


def _spawn_job_process(folder: Path, run_id: str, lock_fd: int, lease: GpuLease, log_path: Path) -> None:
    """Start the process of a job in its own session, so that it outlives the connection."""
    descriptors = (lock_fd, *lease.locks)
    words = [
        *(sys.executable, "-E", _PROGRAM, "job", os.fspath(folder), run_id),
        *(",".join(map(str, descriptors)), ",".join(lease.gpus)),
    ]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    with suppress(OSError):
        log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shown = log_path if log_path.parent.is_dir() else Path(os.devnull)
    os.posix_spawn(
        words[0],
        words,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(shown), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE),
    )


def _describe_wait(job: Mapping[str, Any], jobs_ahead: int, node_limit: int | None) -> str:
    """Return the reasons why a job waits, given the number of jobs ahead of it and the target's node limit."""
    parts = [f"{jobs_ahead} before it"] if jobs_ahead else []
    if node_limit is not None:
        parts.append(f"at most {node_limit} {'node' if node_limit == 1 else 'nodes'} at a time")
    if job["gpus"]:
        parts.append(f"{job['gpus']} free {'GPU' if job['gpus'] == 1 else 'GPUs'} needed")
    return ", ".join(parts)
