"""`python -m mlrun_cli.supervisor --workspace FOLDER --lock DESCRIPTOR [--recover] RUN_ID`.

Started by a compute target, which hands over the open lock of the run's folder; never typed by a person.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mlrun_cli.domain.submission import Secrets, Submission
from mlrun_cli.files.run_folder import read_json
from mlrun_cli.supervisor.linux import become_subreaper
from mlrun_cli.supervisor.recover import recover_all
from mlrun_cli.supervisor.supervise import Supervisor
from mlrun_cli.workspace import Workspace

# Shorter than a command's: the script's questions and signals wait meanwhile, and what waits is tried again.
_BUSY_SECONDS = 2.0


def main(words: list[str]) -> int:
    """Run the program; its exit code."""
    _, folder, _, descriptor, *options, run_id = words
    os.set_inheritable(int(descriptor), False)
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if options:
        with Workspace.at(Path(folder)) as workspace:
            recover_all(workspace, run_id)
        return 0
    become_subreaper()
    with Workspace.at(Path(folder), busy_seconds=_BUSY_SECONDS) as workspace:
        run_folder = workspace.run_folder(run_id)
        submission, secrets = read_json(run_folder.submission), read_json(run_folder.secrets)
        if submission is None or secrets is None:
            recover_all(workspace, run_id)
            return 1
        Supervisor(workspace, Submission.from_json(submission), Secrets.from_json(secrets), run_folder).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
