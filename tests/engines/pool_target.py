"""A kind of targets whose engine is a folder: each job is a JSON file, and a detached process that waits its turn.

Files in the folder change what the engine does:

    slots     the number of jobs that run at a time (2)
    prefix    a JSON list of words in front of each job's command, such as `["unshare", "--net"]`
    refuse    submissions are refused with this text
    lacking   checks before submissions find that no node could ever start the job
    lost      submissions fail before they reach the engine, as without its program, with this text
    away      no call is answered
    stuck     the job with this id cannot be canceled
    broken    questions for jobs fail with an error of the operating system, as without memory
    cut       no call reaches the engine, which is noticed before a submission
    hold      queued jobs are held, and not released for this reason
    missing   no job is known
    late      submissions are not answered, and make the job after the next question for it, which is answered by no
    hang      submissions wait, `before` or `after` they have made the job, until the file is gone
    stall     questions for jobs are answered with what was true when they were asked, once the file is gone

Checks before submissions and questions for the jobs of runs are noted in the file `calls`, as lines `check` and `find`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.targets.engine import JOB_ID_VARIABLE, EngineTarget, Job, JobEnd, JobRequest, JobState
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable

JOB_VARIABLE = "POOL_JOB"
_LOOK_SECONDS = 0.02


class PoolTarget(EngineTarget):
    """A target whose nodes are this machine."""

    azure_type = "pool"
    job_property = "pool_job_id"
    engine_name = "Pool"
    _late: JobRequest | None = None

    def check_job_request(self, request: JobRequest) -> None:  # noqa: ARG002
        self._note_call("check")
        if self._pool.read_option("cut") is not None:
            raise EngineUnavailable("There is no line to the pool.")
        if self._pool.read_option("lacking") is not None:
            raise EngineRefused("No node of the pool has what the job needs.")

    def submit_job(self, request: JobRequest) -> str:
        pool = self._open()
        refusal = pool.read_option("refuse")
        if refusal:
            raise EngineRefused(refusal)
        lost = pool.read_option("lost")
        if lost is not None:
            raise ProgramNotFound(lost)
        if pool.read_option("late") is not None:
            self._late = request
            raise EngineUnavailable("The pool does not answer.")
        pool.wait_if_told("before")
        job_id = pool.submit(request)
        pool.wait_if_told("after")
        return job_id

    def find_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        pool = self._open()
        if pool.read_option("broken") is not None:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        if pool.read_option("missing") is not None:
            return {}
        jobs = {job_id: pool.describe(row) for job_id in job_ids if (row := pool.find(job_id)) is not None}
        pool.wait_while_stalled()
        return jobs

    def find_job_id(self, run_id: str) -> str | None:
        self._note_call("find")
        pool = self._open()
        if pool.read_option("missing") is not None:
            return None
        found = next((row["id"] for row in pool.list() if row["run_id"] == run_id), None)
        pool.wait_while_stalled()
        if self._late is not None:
            pool.submit(self._late)
            self._late = None
        return found

    def cancel_job(self, job_id: str) -> None:
        pool = self._open()
        if pool.read_option("stuck") == job_id:
            raise EngineUnavailable(f"The pool cannot cancel the job {job_id}.")
        pool.end(job_id, JobEnd.CANCELED)

    def release_job(self, job_id: str) -> None:  # noqa: ARG002
        refusal = self._open().read_option("hold")
        if refusal is not None:
            raise EngineRefused(refusal)

    @property
    def _pool(self) -> Pool:
        return Pool(Path(self.row.properties["poolFolder"]))

    def _note_call(self, name: str) -> None:
        with (self._pool.folder / "calls").open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")

    def _open(self) -> Pool:
        pool = self._pool
        if pool.read_option("away") is not None or pool.read_option("cut") is not None:
            raise EngineUnavailable("The pool does not answer.")
        return pool


class Pool:
    """The folder of an engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._jobs = folder / "jobs"

    def read_option(self, name: str) -> str | None:
        """Return the text of an option, or None if it is not set."""
        try:
            return (self.folder / name).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def set_option(self, name: str, text: str | None) -> None:
        """Set an option, or unset it if the text is None."""
        if text is None:
            (self.folder / name).unlink(missing_ok=True)
        else:
            (self.folder / name).write_text(text, encoding="utf-8")

    def wait_if_told(self, when: str) -> None:
        """Wait as long as the option `hang` says so; meanwhile there is a file `hanging`."""
        while self.read_option("hang") == when:
            (self.folder / "hanging").touch()
            time.sleep(_LOOK_SECONDS)

    def wait_while_stalled(self) -> None:
        """Wait as long as there is the option `stall`; meanwhile there is a file `stalled`."""
        while self.read_option("stall") is not None:
            (self.folder / "stalled").touch()
            time.sleep(_LOOK_SECONDS)

    def submit(self, request: JobRequest) -> str:
        """Store a job, start the process that waits for its turn, and return its id."""
        with self._lock():
            job_id = str(1 + len(self.list()))
            self._write(
                {
                    "id": job_id,
                    "run_id": request.run_id,
                    "state": "queued",
                    "command": list(request.command),
                    "log": str(request.log),
                    "demand": request.demand._asdict(),
                }
            )
        self._spawn(job_id)
        return job_id

    def requeue(self, job_id: str) -> None:
        """Kill the processes of a job and let it wait for its turn again."""
        with self._lock():
            row = self.find(job_id)
            assert row is not None
            self._write({**row, "state": "queued"})
        _kill_processes(f"{self.folder}/{job_id}")
        self._spawn(job_id)

    def _spawn(self, job_id: str) -> None:
        """Start the process that waits for a job's turn."""
        environment = {**os.environ, JOB_VARIABLE: f"{self.folder}/{job_id}", JOB_ID_VARIABLE: job_id}
        words = [sys.executable, "-E", __file__, str(self.folder), job_id]
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
        os.posix_spawn(words[0], words, environment, file_actions=null, setsid=True)

    def list(self) -> list[dict[str, Any]]:
        """Return all jobs, oldest first."""
        names = sorted(self._jobs.glob("*.json"), key=lambda path: int(path.stem))
        return [json.loads(path.read_text("utf-8")) for path in names]

    def find(self, job_id: str) -> dict[str, Any] | None:
        """Return a job, or None if there is none."""
        try:
            row: dict[str, Any] = json.loads((self._jobs / f"{job_id}.json").read_text("utf-8"))
        except FileNotFoundError:
            return None
        return row

    def describe(self, row: Mapping[str, Any]) -> Job:
        """Return the state of a job; one whose processes were killed has lost its node."""
        if row["state"] == "queued":
            return Job(JobState.QUEUED, reason="Resources", is_held=self.read_option("hold") is not None)
        if row["state"] == "running" and _is_alive(row["pid"], row["started"]):
            return Job(JobState.RUNNING, nodes=socket.gethostname())
        with self._lock():  # it may have recorded its end meanwhile
            row = self.find(row["id"]) or row
        end = JobEnd(row.get("end", JobEnd.NODE_LOST.value))
        words, exit_code = row.get("words", f"pool: {end.value}"), row.get("exit_code")
        return Job(JobState.ENDED, nodes=socket.gethostname(), end=end, words=words, exit_code=exit_code)

    def end(self, job_id: str, end: JobEnd, words: str = "") -> None:
        """Kill the processes of a job that has not ended, and record how it ended."""
        with self._lock():
            row = self.find(job_id)
            if row is None or row["state"] == "ended":
                return
            self._write({**row, "state": "ended", "end": end.value, "words": words or f"pool: {end.value}"})
        _kill_processes(f"{self.folder}/{job_id}")

    def run(self, job_id: str) -> None:
        """Wait for a job's turn, run its command and record how it ended."""
        while not self._try_to_start(job_id):
            time.sleep(_LOOK_SECONDS)
        row = self.find(job_id)
        if row is None or row["state"] == "ended":
            return
        prefix = json.loads(self.read_option("prefix") or "[]")
        words = [*prefix, "sh", "-c", 'exec "$@" >>"$0" 2>&1', row["log"], *row["command"]]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, check=False)
        with self._lock():
            row = self.find(job_id)
            if row is not None and row["state"] == "running":
                self._write(
                    {
                        **row,
                        "state": "ended",
                        "end": JobEnd.EXITED.value,
                        "words": f"exit code {done.returncode}",
                        "exit_code": done.returncode,
                    }
                )

    def _try_to_start(self, job_id: str) -> bool:
        """Make a job a running one if it is its turn; return True if it is not queued any more."""
        with self._lock():
            live = [row for row in self.list() if row["state"] != "ended"]
            mine = next((row for row in live if row["id"] == job_id), None)
            if mine is None:
                return True
            if live.index(mine) >= int(self.read_option("slots") or 2):
                return False
            self._write({**mine, "state": "running", "pid": os.getpid(), "started": _get_start_time(os.getpid())})
        return True

    def _write(self, row: Mapping[str, Any]) -> None:
        self._jobs.mkdir(exist_ok=True)
        unfinished = self._jobs / f".{row['id']}"
        unfinished.write_text(json.dumps(row), encoding="utf-8")
        unfinished.replace(self._jobs / f"{row['id']}.json")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with open(self.folder / "lock", "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _kill_processes(job: str) -> None:
    """Kill all processes of a job, until none is left."""
    wanted = f"{JOB_VARIABLE}={job}".encode()
    is_left = True
    while is_left:
        is_left = False
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                    os.kill(int(folder.name), signal.SIGKILL)
                    is_left = True


def _is_alive(pid: int, started: str) -> bool:
    return _get_start_time(pid) == started


def _get_start_time(pid: int) -> str:
    """Return the start time of a process, or an empty string if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {b"Z", b"X"} else fields[19].decode()


if __name__ == "__main__":
    Pool(Path(sys.argv[1])).run(sys.argv[2])
