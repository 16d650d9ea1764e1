"""`python task_program.py NUMBERS TASKS ARTIFACTS COMMAND…`: execute the command as one process of a run.

srun starts it on each node. Which of the processes in TASKS it is, the task's rank says, an index into NUMBERS.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Redirect the output to the log of the process and execute the command."""
    numbers, tasks, artifacts, *command = arguments
    number = int(numbers.split(",")[int(os.environ["SLURM_PROCID"])])
    task = json.loads(Path(tasks).read_text(encoding="utf-8"))["tasks"][number]
    os.environ.update(task["variables"])
    log = os.open(os.path.join(artifacts, task["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
