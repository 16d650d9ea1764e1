"""`python srun_program.py TASKS ARTIFACTS COMMAND…`: start the processes described in TASKS on the nodes of this job.

It ends when all have ended, and at the first that fails, with its exit code; failures of helpers do not count. SIGTERM
is passed on to them. It imports the standard library alone.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TASK_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "task_program.py")
# What sbatch was asked for one task per node contradicts the numbers of tasks here.
_DROPPED = re.compile(
    r"SLURM_(N?TASKS(_PER_\w+)?|NPROCS|N?NODES|JOB_NUM_NODES|NTASKS_PER_\w+|CPUS_PER_(TASK|GPU)|TRES_PER_TASK|GPUS_PER_TASK|MEM_PER_\w+"
    r"|DISTRIBUTION|EXPORT_ENV|CPU_BIND\w*)"
)
_FAILED = re.compile(r"srun: error: \S+: tasks? (\d+)[\d,-]*: (?:Exited with exit code (\d+))?")


class SlurmStep:
    """The tasks started by one call of srun.

    Attributes:
        failed: the number of the process that failed first, and its exit code if srun told it.
    """

    def __init__(self, tasks: Mapping[int, Mapping[str, Any]], cpus: int, arguments: Sequence[str]) -> None:
        """Start the tasks.

        Args:
            tasks: their descriptions by number.
            cpus: the processors of each task.
            arguments: the words for `task_program`, without the numbers.
        """
        self._numbers = list(tasks)
        self.failed: tuple[int, int | None] | None = None
        self._hosts = tempfile.NamedTemporaryFile("w", prefix="mlrun-hosts-", encoding="utf-8")  # noqa: SIM115
        self._hosts.write("".join(f"{task['host']}\n" for task in tasks.values()))
        self._hosts.flush()
        options = [
            "--overlap",
            "--kill-on-bad-exit=1",
            "--wait=0",
            "--mem=0",
            "--cpu-bind=none",
            "--export=ALL",
            "--input=0",
            "--distribution=arbitrary",
            "--overcommit",
            f"--ntasks={len(tasks)}",
            f"--cpus-per-task={cpus}",
        ]
        environment = {name: value for name, value in os.environ.items() if not _DROPPED.fullmatch(name)}
        numbers = ",".join(map(str, self._numbers))
        self.process = subprocess.Popen(
            ["srun", *options, sys.executable, "-E", _TASK_PROGRAM, numbers, *arguments],
            env={**environment, "SLURM_HOSTFILE": self._hosts.name},
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # of SIGTERM srun makes SIGKILL for its tasks
        )
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Wait for all tasks, and return the exit code of the first that failed, or 0."""
        code = self.process.wait()
        self._reader.join()
        if code and self.failed is not None:
            return self.failed[1] or code
        return code

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            sys.stderr.write(line)
            sys.stderr.flush()
            found = _FAILED.match(line)
            if found is not None and self.failed is None:
                self.failed = self._numbers[int(found[1])], None if found[2] is None else int(found[2])


def main(arguments: Sequence[str]) -> int:
    """Start the tasks of a file, wait for them, and return the exit code of the first that failed, or 0."""
    tasks = dict(enumerate(json.loads(Path(arguments[0]).read_text(encoding="utf-8"))["tasks"]))
    signal.signal(signal.SIGTERM, _forward_sigterm)
    most_on_node = max(Counter(task["host"] for task in tasks.values()).values())
    cpus = max(1, _count_cpus() // most_on_node)
    helpers = {number: task for number, task in tasks.items() if task.get("is_helper")}
    servers = {number: task for number, task in tasks.items() if task["is_server"] and number not in helpers}
    workers = {number: task for number, task in tasks.items() if not task["is_server"]}
    serving = SlurmStep(servers, cpus, arguments) if servers else None
    working = SlurmStep(workers, cpus, arguments)
    helping = [SlurmStep({number: task}, cpus, arguments) for number, task in helpers.items()]  # none ends another
    if serving is not None:
        _end_workers_if_server_fails(serving, working)
    code = working.wait()
    failed = working.failed
    if serving is not None:
        if serving.failed is not None and serving.process.poll() is not None:
            code, failed = serving.wait() or code, serving.failed
        serving.process.terminate()
        serving.process.wait()
    for step in helping:
        step.process.terminate()
    for step in helping:
        step.process.wait()
    if code and failed is not None:
        sys.stderr.write(f"mlrun: process {failed[0]} failed\n")
    return code if code >= 0 else 128 - code


def _end_workers_if_server_fails(serving: SlurmStep, working: SlurmStep) -> None:
    """End the workers as soon as a parameter server fails."""

    def terminate_workers_after_server_failure() -> None:
        if serving.wait():
            working.process.terminate()

    threading.Thread(target=terminate_workers_after_server_failure, daemon=True).start()


def _forward_sigterm(signal_number: int, frame: object) -> None:  # noqa: ARG001
    """Send SIGTERM to all tasks of this job, but not to its batch script, the supervisor."""
    subprocess.Popen(
        ["scancel", "--quiet", "--signal=TERM", _get_job_id()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _get_job_id() -> str:
    """Return the id of this Slurm job; for a task of a job array, the array's id and the task's, as in `4711_3`."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def _count_cpus() -> int:
    """Return the number of the job's CPUs on the node where it has the fewest, or 1 if that is unknown."""
    numbers = re.findall(r"(\d+)(?:\(x\d+\))?", os.environ.get("SLURM_JOB_CPUS_PER_NODE", ""))
    return min(map(int, numbers), default=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
