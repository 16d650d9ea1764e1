"""`python …/mlrun_cli/supervisor/__main__.py --workspace FOLDER --lock DESCRIPTOR [--recover] RUN_ID`.

Started by a compute target, which hands over the open lock of the run's folder; never typed by a person. With
`--dispatch TARGET` it is the dispatcher of a target, and the lock that of its queue.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.domain.submission import Secrets, Submission
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.execution.queues import call_all_dispatchers
from mlrun_cli.execution.run_lock import RunLock
from mlrun_cli.files.run_folder import read_json
from mlrun_cli.supervisor.dispatch import Dispatcher
from mlrun_cli.supervisor.linux import become_subreaper
from mlrun_cli.supervisor.recover import recover_all
from mlrun_cli.supervisor.supervise import Supervisor
from mlrun_cli.workspace import Workspace

# Shorter than a command's: the script's questions and signals wait meanwhile, and what waits is tried again.
_BUSY_SECONDS = 1.0


def main(words: list[str]) -> int:
    """Run the program; its exit code."""
    _, folder, _, descriptor, *options, run_id = words
    _keep_only(int(descriptor))
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if options == ["--dispatch"]:
        with _open(Path(folder), run_id) as workspace:
            Dispatcher(workspace, run_id, RunLock(int(descriptor))).run()
        return 0
    if options:
        with _open(Path(folder), run_id) as workspace:
            recover_all(workspace, run_id)
            _call_dispatchers(workspace)
        return 0
    become_subreaper()
    with _open(Path(folder), run_id) as workspace:
        run_folder = workspace.run_folder(run_id)
        submission, secrets = read_json(run_folder.submission), read_json(run_folder.secrets)
        if submission is None or secrets is None:
            recover_all(workspace, run_id)
            return 1
        workspace.wait_at_most(_BUSY_SECONDS)
        Supervisor(workspace, Submission.from_json(submission), Secrets.from_json(secrets), run_folder).run()
        _call_dispatchers(workspace)
    return 0


def _call_dispatchers(workspace: Workspace) -> None:
    """Now that a place is free; where the store cannot be asked, the dispatcher finds it out by itself."""
    with suppress(MlrunError):
        call_all_dispatchers(workspace)


def _open(folder: Path, run_id: str) -> Workspace:
    """The workspace, however long its store is held by another process."""
    while True:
        try:
            return Workspace.at(folder)
        except StoreError as error:
            sys.stderr.write(f"the store waits: {error}\n")
            if not folder.exists() or not any((folder / kind / run_id).exists() for kind in ("runs", "queues")):
                raise
            time.sleep(_BUSY_SECONDS)


def _keep_only(descriptor: int) -> None:
    """Close what else was inherited: a lock or a pipe of the submitter's must not be held until the run has ended."""
    os.set_inheritable(descriptor, False)
    opened = os.listdir("/proc/self/fd") if sys.platform == "linux" else ()
    for other in map(int, opened):
        if other > sys.stderr.fileno() and other != descriptor:
            with suppress(OSError):
                os.close(other)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
